"""The drill: a made-up breach that travels the whole way, and whose absence is raised by another way."""
