#!/usr/bin/env python3
"""Runs an outlast sweep on Dask workers: cut into shards, each on disk at every instant, merged at the end.

The result is, byte for byte, that of `outlast run` (but for the time in run.json). Workers may die and the whole thing may be
stopped at any instant: what is on disk is gone on with.
"""

from __future__ import annotations

import argparse
import asyncio
import glob
import json
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid

try:
    import dask
    from dask.distributed import Client, KilledWorker, LocalCluster, as_completed, get_worker
except ImportError as missing:
    print(f"error: {missing}\nDask is needed: python3 -m pip install -r requirements.txt", file=sys.stderr)
    sys.exit(1)

# The exit codes of outlast.
DONE, COULD_NOT_RUN, EXPECTATION_FAILED, INTERRUPTED = 0, 1, 2, 130

# More folders do not fit on a command line of `outlast merge` (2 MiB on Linux).
MOST_SHARDS = 10_000

# With so many shards, this one has nothing to do unless a sweep has a million replications, and then little: it shows that the
# scenario is fine, and how large it is.
PROBE = "1000000/1000000"

# What outlast says while somebody else holds a shard.
IN_USE = "another outlast is at work there"
# What it says when it goes on.
KEPT = re.compile(r"goes on; (\d+) of its replications are there already")

# Becomes outlast, or stands beside it, so that outlast ends when the worker that began it ends, however that happens: an orphan
# would hold the shard, and nobody would wait for it. Linux sends the signal by itself; elsewhere somebody has to look. This is a
# program of its own because code between fork and exec is not safe in a worker, which has threads.
LAUNCHER = """
import ctypes, os, signal, subprocess, sys, time
parent, command = int(sys.argv[1]), sys.argv[2:]
signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
PR_SET_PDEATHSIG = 1
try:
    if sys.platform == "linux" and ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0:
        if os.getppid() == parent:
            os.execvp(command[0], command)
        sys.exit(1)
    child = subprocess.Popen(command)
except OSError as error:
    sys.exit(f"error: {command[0]}: cannot be started: {error.strerror}")
signal.signal(signal.SIGINT, lambda number, frame: child.send_signal(signal.SIGINT))
while child.poll() is None:
    if os.getppid() != parent:
        child.kill()
    time.sleep(0.1)
sys.exit(child.returncode if child.returncode >= 0 else 128 - child.returncode)
"""


class Failure(Exception):
    """Why the sweep cannot be run."""


# ---------------------------------------------------------------- on the workers


def run_shard(sweep: dict, number: int, delay: float) -> dict:
    """Runs a shard, or goes on with it; waits as long as somebody else is at work there."""
    time.sleep(delay)
    worker, started = get_worker(), time.monotonic()
    host = socket.gethostname()
    command = [*sweep["command"], "--shard", f"{number}/{sweep['shards']}"]
    running = worker.__dict__.setdefault("outlast_running", {}).setdefault(sweep["id"], {"pids": set(), "stopped": False})
    code, said, waited = INTERRUPTED, "", 0
    while not running["stopped"]:
        try:
            process = subprocess.Popen(
                [sys.executable, "-c", LAUNCHER, str(os.getpid()), *command],
                cwd=sweep["folder"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            code, said = COULD_NOT_RUN, f"error: {error}\nall workers need the folder in which the driver was started"
            break
        running["pids"].add(process.pid)
        _, said = process.communicate()
        running["pids"].discard(process.pid)
        code = process.returncode
        if code != COULD_NOT_RUN or IN_USE not in said:
            break
        # The worker that had the shard may be gone for the scheduler, and still at work. Whatever it does is not lost.
        if waited == 5:
            worker.log_event(sweep["id"], f"shard {number} waits on {host}: {said.strip()}")
        waited += 1
        time.sleep(min(0.2 * waited, 5.0))
    kept = KEPT.search(said)
    return {
        "code": code,
        "said": said.strip(),
        "kept": int(kept.group(1)) if kept else 0,
        "seconds": time.monotonic() - started,
        "where": f"{host}, pid {os.getpid()}",
    }


async def stop_shards(sweep: str, dask_worker) -> None:
    """Interrupts what a worker runs of a sweep, and lets it put on disk what has ended."""
    running = dask_worker.__dict__.setdefault("outlast_running", {}).setdefault(sweep, {"pids": set(), "stopped": False})
    running["stopped"] = True
    for pid in list(running["pids"]):
        try:
            os.kill(pid, signal.SIGINT)
        except ProcessLookupError:
            pass
    for _ in range(100):
        if not running["pids"]:
            break
        await asyncio.sleep(0.02)


# ---------------------------------------------------------------- on the driver


class Progress:
    """Tells how far it is: a bar on a terminal, a line per shard elsewhere."""

    def __init__(self, shards: int) -> None:
        self.shards, self.done, self.started = shards, 0, time.monotonic()
        self.is_terminal = sys.stderr.isatty()
        if self.is_terminal:
            self.draw()

    def finished(self, text: str) -> None:
        self.done += 1
        if self.is_terminal:
            self.draw()
        else:
            print(f"{text} ({self.done} of {self.shards})", file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        self.clear()
        print(f"note: {text}", file=sys.stderr, flush=True)
        if self.is_terminal:
            self.draw()

    def draw(self) -> None:
        width = 40
        filled = width * self.done // self.shards
        seconds = time.monotonic() - self.started
        rest = f", about {span(seconds / self.done * (self.shards - self.done))} left" if 0 < self.done < self.shards else ""
        bar = "#" * filled + "-" * (width - filled)
        print(f"\r\x1b[K[{bar}] {self.done}/{self.shards} shards, {span(seconds)}{rest}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self.is_terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def span(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class Sweep:
    """A scenario on the way to its results."""

    def __init__(self, args: argparse.Namespace, probe: dict) -> None:
        self.args, self.name = args, probe["scenario"]
        self.out = os.path.abspath(args.out)
        self.points, self.replications = probe["points"], probe["points"] * probe["replications"]
        # What shards are made of: with a precision, points.
        self.pieces = self.points if probe["max_replications"] else self.replications
        self.is_open = probe["max_replications"] is not None
        self.id = f"outlast-{uuid.uuid4()}"
        self.shards = 0

    def cut(self, workers: int) -> None:
        """Decides on the number of shards: as asked for, as it was cut before, or four per worker."""
        earlier = {}
        for folder in glob.glob(os.path.join(glob.escape(self.out), glob.escape(self.name) + ".shard-*-of-*")):
            number = folder.rsplit("-of-", 1)[1]
            if number.isdecimal():
                earlier[int(number)] = earlier.get(int(number), 0) + 1
        if self.args.shards:
            self.shards = min(self.args.shards, self.pieces)
        elif len(earlier) == 1:
            self.shards = next(iter(earlier))
        else:
            self.shards = min(4 * workers, self.pieces, MOST_SHARDS)
        for shards, there in sorted(earlier.items()):
            if shards == self.shards:
                note(f"{self.out}: goes on; {there} of {shards} shards are there, complete or begun")
            else:
                note(f"{self.out}: {there} shards of another cut into {shards} are left alone")

    def shard(self, number: int) -> str:
        return os.path.join(self.out, f"{self.name}.shard-{number}-of-{self.shards}")

    def run(self, client: Client) -> None:
        """Runs all shards; answers when all of them are complete."""
        at_least = "at least " if self.is_open else ""
        points, shards = counted(self.points, "point"), counted(self.shards, "shard")
        note(f"{self.name}: {points}, {at_least}{counted(self.replications, 'replication')} in {shards}")
        progress = Progress(self.shards)
        client.subscribe_topic(self.id, lambda event: progress.note(event[1]))
        work = {"id": self.id, "command": run_command(self.args, self.out), "folder": os.getcwd(), "shards": self.shards}

        def submit(number: int, delay: float = 0.0):
            future = client.submit(run_shard, work, number, delay, pure=False, key=f"{self.id}-{number}-{uuid.uuid4()}")
            waiting[future] = number
            return future

        waiting: dict = {}
        tries = [0] * (self.shards + 1)
        try:
            completed = as_completed([submit(number) for number in range(1, self.shards + 1)])
            for future in completed:
                number = waiting.pop(future)
                name = f"shard {number}/{self.shards}"
                trouble = self.ended(future, name, progress)
                if trouble is None:
                    continue
                tries[number] += 1
                if tries[number] > self.args.retries:
                    raise Failure(f"{name}: {trouble}\nwhat is complete is kept in {self.out}; the same command goes on with it")
                again = f"it runs again, {counted(self.args.retries - tries[number], 'more retry', 'more retries')} after that"
                progress.note(f"{name}: {trouble}\n{again}")
                completed.add(submit(number, delay=0.0 if isinstance(trouble, Died) else min(0.5 * 2 ** tries[number], 30.0)))
        except BaseException:
            client.cancel(list(waiting))
            client.run(stop_shards, self.id, on_error="ignore")
            raise
        finally:
            self.done = progress.done
            progress.clear()
            client.unsubscribe_topic(self.id)

    def ended(self, future, name: str, progress: Progress) -> str | None:
        """Takes note of how a try ended; `None`: the shard is complete."""
        if future.status == "cancelled":
            raise Failure("the scheduler is gone, or has cancelled the sweep")
        error = future.exception()
        if isinstance(error, KilledWorker):
            return Died("its worker died")
        if error is not None:
            return f"{type(error).__name__}: {error}"
        did = future.result()
        if did["code"] == DONE:
            kept = f", went on with {counted(did['kept'], 'replication')}" if did["kept"] else ""
            progress.finished(f"{name}: {did['seconds']:.1f} s on {did['where']}{kept}")
            return None
        if did["code"] == COULD_NOT_RUN:
            errors = did["said"].partition("error: ")[2]
            return errors or did["said"] or "outlast could not run"
        how = f"signal {-did['code']}" if did["code"] < 0 else f"exit code {did['code']}"
        return f"outlast ended with {how} on {did['where']}"

    def merge(self) -> int:
        """Joins the shards; answers as outlast does."""
        folders = [self.shard(number) for number in range(1, self.shards + 1)]
        command = [self.args.outlast, "merge", "--out", self.args.out, "--scenario", self.args.file]
        command += ["--no-plots"] if self.args.no_plots else []
        code = subprocess.run([*command, "--", *folders], check=False).returncode
        if code in (DONE, EXPECTATION_FAILED) and not self.args.keep_shards:
            for folder in folders:
                shutil.rmtree(folder)
        return code


class Died(str):
    """What was said of a shard whose worker died."""


def note(text: str) -> None:
    print(f"note: {text}", file=sys.stderr, flush=True)


def counted(count: int, word: str, words: str = "") -> str:
    return f"{count} {word if count == 1 else words or word + 's'}"


def run_command(args: argparse.Namespace, out: str) -> list[str]:
    """`outlast run` with everything that all shards have in common."""
    command = [args.outlast, "run", args.file, "--resume", "--color", "never", "--out", out, "--threads", str(args.threads)]
    command += ["--jobs"] if args.jobs else []
    command += ["--seed", str(args.seed)] if args.seed is not None else []
    command += ["--replications", str(args.replications)] if args.replications is not None else []
    return command


def probe(args: argparse.Namespace) -> dict:
    """Has outlast read the scenario once, so that what is wrong with it is said once; answers what it is called, and its size."""
    with tempfile.TemporaryDirectory(prefix="outlast-") as folder:
        command = [*run_command(args, folder), "--quiet", "--shard", PROBE]
        try:
            if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode != DONE:
                raise Failure("")
        except OSError as error:
            why = f"{args.outlast}: cannot be started: {error.strerror}\n--outlast PATH says where the binary is"
            raise Failure(why) from error
        (header,) = glob.glob(os.path.join(folder, "*", "journal.json"))
        with open(header, encoding="utf-8") as file:
            return json.load(file)


def connect(args: argparse.Namespace):
    """A scheduler that is there, or a cluster of processes on this machine; the cluster, if it is ours, and a client."""
    if args.scheduler:
        try:
            client = Client(args.scheduler, timeout=args.connect_timeout)
        except (OSError, ValueError, TimeoutError, asyncio.TimeoutError) as error:
            raise Failure(f"{args.scheduler}: no Dask scheduler answers there: {error}") from error
        if not client.nthreads():
            note(f"{args.scheduler}: waits for a worker")
            client.wait_for_workers(1)
        return None, client
    # Every death of a worker is told to us, and we count the tries.
    dask.config.set({"distributed.scheduler.allowed-failures": 0})
    # A terminal sends Ctrl-C to the workers too, and they would die with a traceback each. The first ones inherit that it is not
    # theirs; those that take the place of the dead are told.
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        cluster = LocalCluster(
            n_workers=args.workers or os.cpu_count() or 1,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            memory_limit=0,
            silence_logs=logging.CRITICAL,
            preload="import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n",
        )
    finally:
        signal.signal(signal.SIGINT, handler)
    return cluster, Client(cluster)


def drive(args: argparse.Namespace) -> int:
    sweep = Sweep(args, probe(args))
    try:
        os.makedirs(sweep.out, exist_ok=True)
    except OSError as error:
        raise Failure(f"{args.out}: {error.strerror}") from error
    cluster, client = connect(args)
    try:
        sweep.cut(sum(client.nthreads().values()))
        sweep.run(client)
    except KeyboardInterrupt:
        done = getattr(sweep, "done", 0)
        print(
            f"error: interrupted: {done} of {counted(sweep.shards, 'shard')} are complete, and all that has ended is kept in "
            f"{sweep.out}; the same command goes on with it",
            file=sys.stderr,
        )
        return INTERRUPTED
    finally:
        client.close()
        if cluster is not None:
            cluster.close()
    return sweep.merge()


class Parser(argparse.ArgumentParser):
    """An exit code of 2 is an expectation that failed."""

    def error(self, message: str) -> None:
        self.exit(COULD_NOT_RUN, f"error: {message}\n\n{self.format_usage()}")


def number(least: int, most: int):
    def parse(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"expected a number from {least} to {most}, and it is `{text}`")
        return int(text)

    return parse


def arguments() -> argparse.Namespace:
    parser = Parser(
        description="Runs an outlast sweep on Dask workers; the result is that of `outlast run`.",
        epilog="Exit codes: 0 done and every expectation holds; 1 could not run; 2 an expectation failed; 130 interrupted.",
        allow_abbrev=False,
    )
    add, count = parser.add_argument, number(1, 4096)
    add("file", metavar="FILE", help="the scenario")
    add("--out", metavar="DIR", default="output", help="folder for shards and results, the same for all workers [output]")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", metavar="COUNT", type=count, help="processes on this machine [one per processor]")
    where.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler that is there, such as tcp://host:8786")
    patience = number(1, 86_400)
    add("--connect-timeout", metavar="SECONDS", type=patience, default=10, help="how long it may take to answer [10]")
    add("--shards", metavar="COUNT", type=number(1, MOST_SHARDS), help="shares of the sweep [4 per worker]")
    tries = number(0, 1_000_000)
    add("--retries", metavar="COUNT", type=tries, default=3, help="how often a shard is run again [3]")
    add("--outlast", metavar="PATH", default="outlast", help="the binary, the same for all workers [outlast, in PATH]")
    add("--threads", metavar="COUNT", type=count, default=1, help="threads of a shard [1]")
    add("--jobs", action="store_true", help="also write a row per job (jobs.csv)")
    add("--seed", metavar="NUMBER", help="instead of the scenario's")
    add("--replications", metavar="COUNT", help="instead of the scenario's")
    add("--no-plots", action="store_true", help="draw no plots")
    add("--keep-shards", action="store_true", help="do not remove the shards after they are merged")
    args = parser.parse_args()
    # Where it was started, and not on some worker's PATH.
    if os.sep in args.outlast:
        args.outlast = os.path.abspath(args.outlast)
    return args


def main() -> int:
    args = arguments()
    try:
        return drive(args)
    except Failure as failure:
        if str(failure):
            print(f"error: {failure}", file=sys.stderr)
        return COULD_NOT_RUN
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
