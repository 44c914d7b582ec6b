"""Get a cluster back: what is needed is kept before it is needed, and what a rebuild takes is known before it starts.

snapshot.py    what a rebuild needs, as a file;  collect.py reads it from AWS,  folder.py keeps it
lost.py        which machines of a cluster are gone
placement.py   which subnets have room;  checks.py  what AWS would refuse
steps.py       the calls, in waves;  forecast.py  how long they take;  boot.py  how long machines took to start here
plan.py        all of this together
progress.py    how far a run is, in a file;  run.py, send.py, look.py, afterwards.py  the run itself
reserve.py     capacity that is proved first
"""
