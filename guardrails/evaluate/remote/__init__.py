"""Bundles that are fetched from S3 or over HTTPS.

sources.py     the bundles of a configuration: what is in force of each, when it was checked, what is wrong
fetch.py       one look at a source, within its deadline
over_https.py  by urllib3
from_s3.py     by a client of the guard's own
kept.py        the last bundle that was verified, on disk
poller.py      looks again and again, off the path of calls
in_force.py    denies when a bundle is too old, and reports one that was refused
"""
