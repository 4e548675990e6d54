"""Without the extras everything else works, and who asks for them is told what to install."""

import subprocess
import sys
import textwrap

ABSENT = """
    import sys
    sys.modules |= dict.fromkeys(("langchain_core", "langgraph"))  # as if they were not installed
    from workbench import Model, ModeLoader, WorkbenchError
    for ask in (lambda: Model("local").to_langchain(), lambda: ModeLoader().load("chat").to_langgraph(models=["local"])):
        try:
            ask()
        except WorkbenchError as error:
            print(error)
"""


def test_the_error_says_what_to_install():
    command = [sys.executable, "-c", textwrap.dedent(ABSENT)]
    out = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    assert "LangChain is not installed\n  pip install 'dialogue-workbench[langchain]'" in out
    assert "LangGraph is not installed\n  pip install 'dialogue-workbench[langgraph]'" in out


def test_they_are_not_imported_before_they_are_used():
    probe = "import sys, workbench.dialogue, workbench.models.providers; print('langchain_core' in sys.modules, 'langgraph' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True, timeout=60).stdout
    assert out.split() == ["False", "False"]
