"""Guard a process without touching its script: from the environment, a virtual environment, or a parent process.

`imports`, `hook` and `start` use nothing but the standard library, because copies of them are written into activated
environments and they run at every start of Python there.
"""
