#!/usr/bin/env python3
"""Tests outlast_dask.py as its users meet it: workers killed by their process ids, Ctrl-C, a scheduler that is there, bad input.

    python3 test_driver.py PATH-OF-OUTLAST

Prints what it did, and fails with an AssertionError. About half a minute.
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import psutil
from dask.distributed import LocalCluster

HERE = os.path.dirname(os.path.abspath(__file__))
DRIVER = os.path.join(HERE, "outlast_dask.py")
SHARDS = 8
# Nothing here takes half as long even where the machine has much else to do.
PATIENCE = 300

# 200 points, 4800 replications, a million jobs: some seconds of one processor.
SWEEP = """\
name = "sweep"

[run]
seed = 7
replications = 24
duration = "4h"
warm_up = "30m"

[nova.service_user]
send_service_user_token = true

[nova.DEFAULT]
block_device_allocate_retries = 400
block_device_allocate_retries_interval = 30

[cloud.image_transfer]
per_job = "50MiB/s"

[cloud.image_conversion]
per_job = "200MiB/s"

[cloud.requests]
time = { exponential = { mean = "40ms" } }

[[workload]]
name = "boots"
job = "boot-from-volume"
arrivals = { poisson = "60/h" }
image_size = { lognormal = { median = "20GiB", sigma = 0.7 } }

[sweep]
"keystone.token.expiration" = [%s]
"keystone.token.allow_expired_window" = [%s]
""" % (
    ", ".join(f'"{10 + 3 * number}m"' for number in range(20)),
    ", ".join(f'"{1 + 20 * number}m"' for number in range(10)),
)

# Half of the jobs fail, so the answer is an exit code of 2.
FAILS = SWEEP.partition("[sweep]")[0].replace('"sweep"', '"fails"') + """\
[keystone.token]
expiration = "10m"

[[expect]]
metric = "failure_rate"
max = "1%"
"""


class Driver:
    """The driver at work, in a session of its own, as a terminal has it."""

    def __init__(self, outlast: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, DRIVER, "--outlast", outlast, "--no-plots", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.said: list[str] = []
        self.lines: queue.Queue = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.said.append(line)
            self.lines.put(line)
        self.lines.put(None)

    def done(self) -> int:
        """How many shards are complete."""
        return sum(bool(re.match(r"shard \d+/\d+: \d+\.\d s on ", line)) for line in list(self.said))

    def text(self) -> str:
        return "".join(self.said)

    def wait_for_a_shard(self) -> None:
        until = time.monotonic() + PATIENCE
        while not self.done():
            try:
                assert self.lines.get(timeout=until - time.monotonic()) is not None, f"it ended early:\n{self.text()}"
            except queue.Empty:
                raise AssertionError(f"no shard is complete after {PATIENCE} s:\n{self.text()}") from None

    def ends(self, code: int) -> "Driver":
        self.process.wait(timeout=PATIENCE)
        while self.lines.get(timeout=PATIENCE) is not None:
            pass
        assert self.process.returncode == code, f"exit code {self.process.returncode}, not {code}:\n{self.text()}"
        return self


def at_work_below(process: psutil.Process) -> list[tuple[psutil.Process, psutil.Process, str]]:
    """Workers with the outlast that each of them runs, and its shard."""
    found = []
    for child in process.children(recursive=True):
        try:
            command = child.cmdline()
            if "--shard" in command and os.path.basename(command[0]) == "outlast":
                found.append((child.parent(), child, command[command.index("--shard") + 1]))
        except psutil.Error:
            pass  # it has ended meanwhile
    return found


def files(folder: str) -> dict:
    """The files of a result; the manifest without the time that it took."""
    found = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            lines = file.read().splitlines(keepends=True)
        found[name] = b"".join(line for line in lines if b'"wall_time_s"' not in line)
    return found


def assert_same(out: str, name: str = "sweep") -> None:
    expected, found = files(os.path.join("one", name)), files(os.path.join(out, name))
    assert found.keys() == expected.keys(), f"{sorted(found)}, not {sorted(expected)}"
    differing = [name for name in expected if found[name] != expected[name]]
    assert not differing, f"{out}: {differing} differ"
    size = sum(len(content) for content in found.values())
    print(f"  same bytes as one process: {', '.join(found)}, {size / 1e6:.1f} MB")
    assert os.listdir(out) == [name], f"nothing else is left: {os.listdir(out)}"


def assert_gone(processes: list[psutil.Process], why: str) -> None:
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert not alive, f"{why}: {alive}"


def has_begun(folder: str) -> bool:
    """Whether a shard has something on disk to go on with."""
    try:
        return os.path.getsize(os.path.join(folder, "facts")) > 0
    except FileNotFoundError:
        return False


def killed(outlast: str) -> None:
    print(f"a worker is killed in mid-run: {SHARDS} shards on 2 worker processes")
    started = time.monotonic()
    driver = Driver(outlast, "sweep.toml", "--jobs", "--out", "killed", "--workers", "2", "--shards", str(SHARDS))
    driver.wait_for_a_shard()
    victim = None
    while victim is None:
        assert driver.process.poll() is None, f"all is over before a worker could be killed:\n{driver.text()}"
        for worker, child, shard in at_work_below(psutil.Process(driver.process.pid)):
            if not has_begun(os.path.join("killed", f"sweep.shard-{shard.replace('/', '-of-')}")):
                continue
            # Held, so that it cannot end before its worker does.
            try:
                child.suspend()
                is_held = child.status() == psutil.STATUS_STOPPED
            except psutil.Error:
                continue  # it has ended meanwhile
            if is_held:
                os.kill(worker.pid, signal.SIGKILL)
                victim = worker, child, shard
                break
        time.sleep(0.005)
    worker, child, shard = victim
    seconds, done = time.monotonic() - started, driver.done()
    print(f"  kill -9 {worker.pid} after {seconds:.1f} s, with {done} of {SHARDS} shards done; it was at shard {shard}")
    assert 0 < done < SHARDS, "in mid-run"
    assert_gone([worker, child], "neither the worker nor its outlast lives on")
    print(f"  its outlast, process {child.pid}, has ended with it")
    driver.ends(0)
    again = [line for line in driver.said if line.startswith(f"note: shard {shard}: its worker died")]
    assert len(again) == 1, f"shard {shard} has lost its worker:\n{driver.text()}"
    (line,) = (line for line in driver.said if re.match(rf"shard {shard}: .* s on ", line))
    assert f"pid {worker.pid}" not in line, f"another worker does it: {line}"
    print(f"  {line.strip()}")
    assert "went on with" in line, f"what was on disk is not done again: {line}"
    assert_same("killed")


def interrupted(outlast: str) -> None:
    print("Ctrl-C in mid-run, and the same command again")
    arguments = ["sweep.toml", "--jobs", "--out", "interrupted", "--workers", "2"]
    driver = Driver(outlast, *arguments, "--shards", str(SHARDS))
    driver.wait_for_a_shard()
    processes = psutil.Process(driver.process.pid).children(recursive=True)
    os.killpg(driver.process.pid, signal.SIGINT)
    driver.ends(130)
    assert "Traceback" not in driver.text(), driver.text()
    print(f"  {driver.said[-1].strip()}")
    assert re.search(r"error: interrupted: [1-7] of 8 shards are complete", driver.said[-1]), driver.text()
    assert_gone(processes, "everything has ended")
    # It was cut into eight, and goes on with eight, whatever two workers would get.
    driver = Driver(outlast, *arguments).ends(0)
    assert "of 8 shards are there, complete or begun" in driver.text(), driver.text()
    assert_same("interrupted")


def scheduler(outlast: str) -> None:
    print("a scheduler that is there, and an expectation that fails")
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=0) as cluster:
        address = cluster.scheduler_address
        # Ctrl-C does not reach the workers of a scheduler: the driver has them stop.
        driver = Driver(outlast, "sweep.toml", "--out", "stopped", "--scheduler", address, "--shards", str(SHARDS))
        driver.wait_for_a_shard()
        driver.process.send_signal(signal.SIGINT)
        driver.ends(130)
        assert "Traceback" not in driver.text(), driver.text()
        assert_gone([child for _, child, _ in at_work_below(psutil.Process())], "the workers live on, and not what they did")
        driver = Driver(outlast, "fails.toml", "--out", "scheduler", "--scheduler", address, "--shards", "100").ends(2)
        assert "fails: 1 point, 24 replications in 24 shards" in driver.text(), driver.text()
        assert "failure_rate" in driver.text(), driver.text()
        assert_same("scheduler", "fails")
        with open("changed.toml", "w", encoding="utf-8") as file:
            file.write(FAILS)
        arguments = ["changed.toml", "--scheduler", address, "--shards", "3", "--retries", "0", "--out", "changed"]
        Driver(outlast, *arguments, "--keep-shards").ends(2)
        driver = Driver(outlast, *arguments, "--seed", "8").ends(1)
        assert driver.text().count("error: ") == 1, driver.text()
        assert "it belongs to another run (" in driver.text(), driver.text()
        print(f"  shards of another run: {[line for line in driver.said if 'error: ' in line][0].strip()}")
    driver = Driver(outlast, "fails.toml", "--scheduler", address, "--connect-timeout", "1").ends(1)
    assert f"error: {address}: no Dask scheduler answers there" in driver.text(), driver.text()


def bad_input(outlast: str) -> None:
    print("bad input")
    with open("wrong.toml", "w", encoding="utf-8") as file:
        file.write(SWEEP.replace("seed", "sed"))
    cases = [
        (outlast, ["wrong.toml"], "sed"),
        (outlast, ["missing.toml"], "missing.toml"),
        ("./no-outlast", ["sweep.toml"], "no-outlast: cannot be started: No such file or directory"),
        (outlast, ["sweep.toml", "--shards", "0"], "expected a number from 1 to 10000"),
        (outlast, ["sweep.toml", "--out", "sweep.toml"], "sweep.toml: File exists"),
        (outlast, ["sweep.toml", "--workers", "2", "--scheduler", "tcp://localhost:1"], "not allowed with"),
    ]
    for binary, arguments, why in cases:
        driver = Driver(binary, *arguments).ends(1)
        assert why in driver.text() and "Traceback" not in driver.text(), f"{arguments}: {driver.text()}"
        assert driver.text().count("error") == 1, f"{arguments}: said once:\n{driver.text()}"
        print(f"  {' '.join(arguments)}: {driver.text().strip().splitlines()[0]}")


def elsewhere() -> None:
    """Where the system does not end orphans by itself, the launcher does."""
    print("a launcher that has to look after its child itself")
    sys.path.insert(0, HERE)
    from outlast_dask import LAUNCHER

    parent = (
        "import os, subprocess, sys, time\n"
        f"code = 'import sys; sys.platform = \"elsewhere\"\\n' + {LAUNCHER!r}\n"
        "process = subprocess.Popen([sys.executable, '-c', code, str(os.getpid()), *sys.argv[1:]])\n"
        "sys.exit(process.wait())\n"
    )
    command = [sys.executable, "-c", parent]
    assert subprocess.run([*command, "sh", "-c", "exit 7"], check=False).returncode == 7
    process = subprocess.Popen([*command, "sleep", "600"])
    children: list[psutil.Process] = []
    while len(children) < 2:
        children = psutil.Process(process.pid).children(recursive=True)
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert_gone(children, "launcher and child end")
    print(f"  kill -9 {process.pid}: {' and '.join(str(child.pid) for child in children)} have ended with it")


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python3 test_driver.py PATH-OF-OUTLAST")
    outlast = os.path.abspath(sys.argv[1])
    started = time.monotonic()
    folder = tempfile.mkdtemp(prefix="outlast-dask-")
    os.chdir(folder)
    try:
        for name, text in [("sweep.toml", SWEEP), ("fails.toml", FAILS)]:
            with open(name, "w", encoding="utf-8") as file:
                file.write(text)
        for name, arguments, code in [("sweep.toml", ["--jobs"], 0), ("fails.toml", [], 2)]:
            command = [outlast, "run", name, "--no-plots", "--quiet", "--out", "one", *arguments]
            assert subprocess.run(command, check=False).returncode == code, name
        print(f"one process: 200 points in {time.monotonic() - started:.1f} s")
        killed(outlast)
        interrupted(outlast)
        scheduler(outlast)
        bad_input(outlast)
        elsewhere()
    finally:
        os.chdir(HERE)
        shutil.rmtree(folder)
    print(f"the Dask driver is fine, in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
