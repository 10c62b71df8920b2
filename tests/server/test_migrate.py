"""The server's processes against one another."""

import subprocess
import sys
import time

from server.database.engine import Database
from server.database.migrate import migrate

_MIGRATES_AT = """
import sys, time
from server.database.engine import Database
from server.database.migrate import migrate
database = Database(sys.argv[1])
time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
migrate(database)
"""


def test_processes_that_start_together_on_a_new_postgresql_take_turns(postgres_url: str) -> None:
    at = str(time.time() + 4)
    started = [
        subprocess.Popen([sys.executable, "-c", _MIGRATES_AT, postgres_url, at], stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    said = [process.communicate()[1] for process in started]

    assert [process.returncode for process in started] == [0, 0, 0, 0], said
    database = Database(postgres_url)
    migrate(database)
    database.close()
