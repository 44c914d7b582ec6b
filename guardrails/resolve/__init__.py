"""Stage 3: what AWS says about the targets of a call, which clusters they carry, and which cluster is live.

finder.py      from a call to its facts
rounds.py      asks everything that these take, round after round; hints.py what the next decision will ask
picture.py     what the answers show, without what was done before
contradictions.py  answers that cannot all be true
inventory.py   the machines and Elastic IPs of the region; region.py which of them are known
question.py    how to ask for more of them
resources/     the targets of a call, a file for each family of resources
live/          which cluster is live, a file for each source
capacity/      whether a launch has room
shifts/        what a switch does to users, a file for each kind
health.py      whether the machines of a cluster pass EC2's status checks
lookups.py     the requests that answer all of these, in parallel and remembered
connection.py  the clients that send them
"""
