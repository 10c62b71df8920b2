"""Advisories: "boil", "do not drink", "do not use", said by a named person and never by a machine.

The system proposes, with its evidence; a named authority issues, changes and lifts. Everything here is pure:
`life` decides what may be done and says why not, `boiling` when boiling is no advice, `lab` when samples are clear,
`proposing` when the system proposes, `words` how it reads in five languages, `cap` how programs read it.
"""
