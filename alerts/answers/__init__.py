"""What people text back: understood strictly, bound to what they had been told, and always answered in one segment.

*Is*: reading an answer, deciding what it does, and the words of the reply. *Is not*: how texts come in (a
transport's inbox), and what an acknowledgement stops (the policy of telling).
"""
