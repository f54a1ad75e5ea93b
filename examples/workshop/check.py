"""Check the exercises of the workshop.

    python3 mine/check.py               how far you are
    python3 mine/check.py 3             the exercises of stage 3
    python3 mine/check.py 3.2           one exercise
    python3 mine/check.py 3 --in DIR    the stages in another folder

The exit status is 0 if every checked exercise is solved. Each exercise runs in its own
process and has ten seconds (or --seconds N).
"""
import argparse
import faulthandler
import json
import os
import re
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import exercises

HERE = Path(__file__).resolve().parent
STAGES = [path.name for path in sorted(HERE.glob("stage[1-9]_*.py"))]

def run_here(number, path, seconds):
    """Run the test of an exercise, and print as JSON what is wrong. End the process."""
    sys.stdout = sys.stderr     # for what the stage prints
    faulthandler.dump_traceback_later(seconds, exit=True)
    wrong = exercises.run(number, path)
    faulthandler.cancel_dump_traceback_later()
    print(json.dumps(wrong), file=sys.__stdout__, flush=True)
    os._exit(0)                 # although threads of the stage may still run

def check(number, path, seconds):
    """Run an exercise in a new process. Return a dict: what is wrong, or None."""
    command = [sys.executable, __file__, number, "--in", path.parent, "--here",
               "--seconds", str(seconds)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                          encoding="utf-8", errors="replace")
    if done.stdout:
        wrong = json.loads(done.stdout)
        return wrong and {**wrong, "printed": done.stderr[:500]}
    if "Timeout" not in done.stderr:
        return {"came": f"the process ended with status {done.returncode}"}
    lines = re.findall(rf'{re.escape(path.name)}", line (\d+)', done.stderr)
    return {"came": f"no end within {seconds:g} seconds. Does it wait, or loop?",
            "line": lines[0] if lines else None}

def show(label, text):
    """Print a label and a text, which may be long."""
    for line in str(text).splitlines():
        print(textwrap.fill(line, 88, initial_indent=f"      {label:<10}",
                            subsequent_indent=" " * 16, break_on_hyphens=False))
        label = ""

def explain(number, wrong, path):
    """Print an exercise, and what is wrong with it."""
    exercise = exercises.EXERCISES[number]
    print(f"  [{' ' if wrong else 'x'}] {number}  {exercise.title}")
    if not wrong:
        return
    place = f"{path.name}, line {wrong['line']}" if wrong.get("line") else path.name
    if wrong.get("stub"):
        show("to do", place)
    else:
        show("sent", wrong.get("sent", ""))
        show("expected", wrong.get("expected", ""))
        show("came", f"{wrong['came']} ({place})")
        show("printed", wrong.get("printed", ""))
    if not wrong.get("broken"):
        show("hint", exercise.hint)

def picture(results):
    """Print a row of boxes for each stage."""
    for stage, name in enumerate(STAGES, 1):
        found = [wrong for number, wrong in results.items() if number[0] == str(stage)]
        boxes = ["[ ]" if wrong else "[x]" for wrong in found]
        broken = found[0] and found[0].get("broken") and found[0]["came"]
        print(f"  {stage}  {name:<22}", *boxes, broken or "")
    print(f"\n  {list(results.values()).count(None)} of {len(results)} solved")

def main():
    """Check what the command line names. Return the exit status."""
    parser = argparse.ArgumentParser(description="Check the exercises of the workshop.")
    parser.add_argument("what", nargs="?", help="a stage (3) or an exercise (3.2)")
    parser.add_argument("--in", dest="folder", type=Path, default=HERE, metavar="DIR",
                        help="the folder with the stages (that of check.py)")
    parser.add_argument("--seconds", type=float, default=10, metavar="N",
                        help="the time for each exercise (10)")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    folder = options.folder.resolve()
    paths = {number: folder / STAGES[int(number[0]) - 1]
             for number in exercises.EXERCISES
             if options.what in (None, number, number[0])}
    if not paths:
        parser.error(f"{options.what!r} is not a stage (1 to 9) or an exercise (3.2)")
    if options.here:
        run_here(options.what, paths[options.what], options.seconds)
    print(f"The stages in {folder}:")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda number: check(number, paths[number], options.seconds),
                         paths)
        results = dict(zip(paths, found))
    if options.what is None:
        picture(results)
    else:
        for number, wrong in results.items():
            explain(number, wrong, paths[number])
            if wrong and wrong.get("broken"):
                break           # the others of this stage would say the same
    return any(results.values())

if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main())
