"""Deflating what travels: zlib (RFC 1950), with a dictionary that both ends know before the first byte.

A single observation is too short to repeat itself; the dictionary gives it something to repeat: 230 bytes of JSON
become some 75, where zlib alone leaves 155. The first byte is `0x78` with and without it (the FDICT bit is in the
second), so JSON and zlib are told apart as ever.

**Invariant**: `DICTIONARY` is part of wire version 1 and never changes by a byte. Its Adler-32 travels with each
message, so another one could only stand beside it.
"""

import zlib

from waterquality.wire.rejection import Malformed, Rejection

_LEVEL = 9
_MEMORY = 9  # the most there is; it costs half a megabyte while a message is made
_FIRST_BYTE = 0x78  # of every RFC 1950 stream with the usual window; JSON opens with `[` or `{`

# What is said most often stands last, where a reference to it is shortest.
DICTIONARY = (
    b'{"n":"certificate","vs":"{\\"id\\":\\"kk-00","made_on":"202","made_by":"","kind":"linear","table",'
    b'"points":[["standards":["buffer 7.00, lot ","buffer 4.00, lot ","formazin "],"expires_on":"202","note":""'
    b'{"n":"gap/through","v":,{"n":"gap/why","vs":"cleared_by_operatoroutbox_corruptoutbox_full"}'
    b'{"n":"note","vs":"config_appliedclock_steppedservice_endedservice_begunstarted"},'
    b'{"n":"note/detail","vs":"0.1.0"}]'
    b"clock_uncertainnot_recordedtemperature_out_of_rangefirst_flushstagnant_sampleunusual_valueout_of_curve"
    b"out_of_rangeprobe_uncalibratedprobe_servicedprobe_not_settledprobe_noisyprobe_stuckprobe_saturated"
    b'probe_disconnected"},"temperature/cert","vs":"-temperature-202"},"turbidity/cert","vs":"-turbidity-202"},'
    b'"ph/cert","vs":"-ph-202"},"flow/cert","vs":"-flow-202"},'
    b'{"state":"offlineonline","version":"0.1.0"}'
    b'{"epoch":"","appended":,"held":,"in_outbox":0,"in_gaps":0,"clock_synchronised":falsetrue,"uptime_s":'
    b',"time_ms":1764,"counters":{"appended":,"append_failed":,"failed":,"suppressed":,"connected":1,'
    b'"connect_failed":,"batches_sent":,"records_sent":,"bytes_sent":,"repeated":0,"receipts_malformed":,'
    b'"receipted":},"bytes_this_month":,"vitals":{}}'
    b'{"n":"clock/uncertainty","u":"s","v":'
    b'{"n":"temperature/raw","u":"V","v":1},{"n":"temperature/flag","v":4},{"n":"temperature/why","vs":"'
    b'{"n":"volume/raw","u":"count","v":1},{"n":"volume/flag","v":9},{"n":"volume/why","vs":"'
    b'{"n":"flow/raw","u":"count","v":1},{"n":"flow/flag","v":9},{"n":"flow/why","vs":"'
    b'{"n":"ph/raw","u":"V","v":1.5},{"n":"ph/flag","v":9},{"n":"ph/why","vs":"'
    b'{"n":"turbidity/raw","u":"V","v":0.},{"n":"turbidity/flag","v":3},{"n":"turbidity/why","vs":"'
    b'{"n":"temperature","u":"Cel","v":1'
    b'[{"bn":"kk-00/","bt":17,"n":"epoch","vs":""},{"n":"held","v":},{"n":"seq","v":'
    b'},{"bt":17,"n":"seq","v":'
    b'[{"bn":"kk-0/","bt":17,"n":"epoch","vs":"0"},{"n":"seq","v":0},{"n":"turbidity","u":"NTU","v":0.'
    b'0},{"n":"ph","u":"pH","v":7.0},{"n":"flow","u":"m3/s","v":0.0000},{"n":"volume","u":"m3","v":1.0}]'
)


def deflate(plain: bytes) -> bytes:
    """The message deflated, with reference to the dictionary."""
    deflater = zlib.compressobj(_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, _MEMORY, zdict=DICTIONARY)
    return deflater.compress(plain) + deflater.flush()


def inflate(payload: bytes, at_most: int) -> bytes:
    """The message as it was before it was deflated, with or without the dictionary; plain ones as they are.

    Args:
        payload: as it came.
        at_most: bytes it may grow to.

    Raises:
        Malformed: damaged, cut short, of another dictionary, or a bomb; mended by nobody.
    """
    if not payload or payload[0] != _FIRST_BYTE:
        return payload
    inflater = zlib.decompressobj(zdict=DICTIONARY)
    try:
        plain = inflater.decompress(payload, at_most)
    except zlib.error as error:
        raise Malformed(Rejection.BAD_DEFLATE, str(error)) from error
    if inflater.unconsumed_tail:
        raise Malformed(Rejection.TOO_LARGE, f"inflates beyond {at_most} bytes")
    if not inflater.eof:
        raise Malformed(Rejection.BAD_DEFLATE, "cut short")
    return plain
