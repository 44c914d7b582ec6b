"""From one cluster to another, step by step, with a way back from every step.

situation.py   what is there
found/         where users come in, by the sources that make a cluster live
make.py        the plan
plan.py        what a plan and the record of a cutover have
preflight.py   what has to be true before it starts
kinds/         how each kind of entrance is read and changed
gate.py        whether the new side is healthy
hold.py        who works on a cutover, in the shared memory
entrances.py   the entrances as AWS shows them now
runner.py      the steps, and the way back
signals.py     Ctrl-C and SIGTERM go back; on the way back they do nothing
"""
