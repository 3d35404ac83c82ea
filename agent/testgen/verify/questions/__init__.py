"""What in a draft needs a human's yes before it is run.

A draft may use the project, what the project uses, pytest and its fixtures, and the parts of the
standard library that tests are made of. What could look at the code under test instead of running
it, or reach into the processes that decide, is asked about by name: code objects, frames, source
files, other interpreters, the import system, pytest's insides. Names and texts that are made up at
run time are looked at there, in the full sandbox, and asked about elsewhere.

The words are strict on purpose: a false question costs one keystroke, and one is asked of few
honest tests (`python bench/questions.py` measures how many).
"""

from copydesk.agent.testgen.verify.questions.walk import questions, questions_of_words

__all__ = ["questions", "questions_of_words"]
