"""What systems differ in: locks, owners of files, forks, programs that are ended. Linux and macOS have all of it.

Elsewhere (Windows) each part either works in another way or says in a sentence that it cannot.

background.py  what a program in the background of a terminal may do
files.py       how files are opened
for_good.py    what stays in memory until the process ends
forks.py       what happens around os.fork
locks.py       locks on open files
processes.py   whether a process runs, and how a program is ended with all that it started
reading.py     files of people, without waiting for a pipe
readable.py    names whose bytes are not text
users.py       who this process is, and who owns a file
"""
