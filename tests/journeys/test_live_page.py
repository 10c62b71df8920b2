"""What a council sees: the page, served by a process of its own, follows the water without being reloaded."""

import pytest
from playwright.sync_api import expect, sync_playwright

from server.web.build import build
from tests.fakes.world import World
from tests.services.service import free_port

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
]

pytestmark = pytest.mark.integration


def test_a_reading_and_then_an_alert_appear_on_an_open_page_across_three_processes(world: World) -> None:
    build()
    port = free_port()
    with world.settings.open("a", encoding="utf-8") as settings:
        settings.write(f"[web]\nport = {port}\n")
    world.register({"kk-0001": "algeti"})
    ingest, web, device = world.server("ingest"), world.server("web"), world.device()
    device.sees(turbidity=0.5)
    world.start(ingest, web, device)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/en/water-points/algeti")
        page.evaluate("window.untouched = true")
        main = page.locator("main")
        expect(main).to_contain_text("0.5", timeout=20_000)

        device.sees(turbidity=12.0)

        expect(main).to_contain_text("outside", timeout=20_000)
        expect(main).to_contain_text("Alert is on", timeout=20_000)
        assert page.evaluate("window.untouched") is True
        browser.close()
