"""Real Jupyter kernels: notebooks of tests/notebooks run from top to bottom, and kernels that somebody types into."""

from __future__ import annotations

from pathlib import Path

import nbformat
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


def run(name, folder):
    """The notebook with its outputs; cells that raise do not end it. `folder` is where it runs."""
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    client = NotebookClient(notebook, timeout=120, allow_errors=True, resources={"metadata": {"path": str(folder)}})
    return client.execute()


def code(notebook):
    """The outputs of each code cell."""
    return [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]


def shown(outputs, kind):
    """Everything that outputs have of a MIME type, or of a stream."""
    texts = [output["data"].get(kind, "") for output in outputs if "data" in output]
    return "".join(texts + [output["text"] for output in outputs if output.get("name") == kind])


class Kernel:
    """A kernel with a person at it."""

    def __init__(self, folder):
        self._manager, self._client = start_new_kernel(cwd=str(folder))

    def run(self, source, answer=None):
        """Run a cell; `answer(kernel, prompt)` says what is typed (None: nothing). Returns (outputs, prompts)."""
        outputs, prompts = [], []

        def asked(message):
            prompts.append(message["content"]["prompt"])
            typed = answer(self, message["content"]["prompt"]) if answer else ""
            if typed is not None:
                self._client.input(typed)

        def put(message):
            if message["msg_type"] in ("display_data", "execute_result", "error", "stream"):
                outputs.append({"output_type": message["msg_type"], **message["content"]})

        self._client.execute_interactive(
            source, allow_stdin=answer is not None, stdin_hook=asked, output_hook=put, timeout=60
        )
        return outputs, prompts

    def type(self, text):
        """Type without being asked, or after the question has ended."""
        self._client.input(text)

    def interrupt(self):
        self._manager.interrupt_kernel()

    def end(self):
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


__all__ = ["Kernel", "code", "run", "shown"]
