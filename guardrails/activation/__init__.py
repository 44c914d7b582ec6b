"""Guard a process without editing its script: by environment variables, a virtual environment, or its parent process.

`imports`, `hook`, `output`, `sending` and `start` use only the standard library: copies of them are written into
activated environments, where they run whenever Python starts.
"""
