"""How the guard waits: with one deadline for each decision, and never out of reach of the script's signal handlers.

clock.py          a clock that nobody sets
context.py        context variables that have a value for a while
command.py        a command that gets a document and ends in time
deadline.py       the deadline of what is under way
ending.py         how a program ends that was started here
http.py           connections whose reads end with it
garbage.py        Python's garbage collector while the guard starts
nested.py         a governed call that a destructor makes in the middle of all that
own_thread.py     a thread of each process, for work that no call waits for
program_log.py    what the guard says in the program's log
threads.py        threads, also where none can be started any more
interruptions.py  when the script's signal handlers run while the guard decides
"""
