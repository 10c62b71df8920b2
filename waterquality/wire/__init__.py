"""Wire format 1: SenML (RFC 8428) in JSON, plain or deflated, in a profile of our own.

A pack opens with the epoch and the oldest held sequence number; then one record after the other, each
opened by its `seq`. `docs/specs/wire-format.md` is the contract; the golden messages in
`tests/contracts/wire/v1/` hold both ends to it.
"""
