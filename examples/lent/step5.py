"""Step 5: a command."""
from step4 import app
from store import LENT

@app.cli.command()
def remind(friend):
    """Say what a friend has of yours."""
    for loan in LENT.values():
        if loan["to"] == friend:
            print(f"Dear {friend}, do you still need my {loan['thing']}?")
