"""Unfinished jobs. Never blocks: `poll` is called from Live's own timer."""

import socket
import time
import uuid

from . import osc

AGAIN_S = 0.7  # the daemon answers within milliseconds; the same request again is the same job
NO_ANSWER_S = 2.0
SILENCE_S = 5.0  # then ask for the job's last event
GONE_S = 12.0
ENDS = ("/bridge/done", "/bridge/failed", "/bridge/cancelled")
MAX_DATAGRAMS = 200  # at a time: a flood must not hold up Live


class Job:
    """One job. `on_event` gets its events as (event, values without the id)."""

    def __init__(self, prompt, datagram, on_event, now):
        self.prompt, self.datagram, self.on_event = prompt, datagram, on_event
        self.asked = self.last = now
        self.answered = self.again = False


class Jobs:
    """The socket, and the jobs by their ids."""

    def __init__(self, host, port, clock=time.monotonic):
        self._daemon, self._clock, self._jobs = (host, port), clock, {}
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.setblocking(False)
        self._udp.bind((host, 0))  # listen before sending

    def ask(self, prompt, seconds, keys, on_event):
        """Ask for a clip; the preset decides its length if `seconds` is None."""
        job_id = uuid.uuid4().hex[:12]
        positions = [] if seconds is None else [float(seconds)]
        pairs = [part for pair in keys.items() for part in pair]
        datagram = osc.encode("/bridge/generate", prompt, *positions, "id", job_id, *pairs)
        self._jobs[job_id] = Job(prompt, datagram, on_event, self._clock())
        self._send(datagram)

    def cancel_all(self):
        """Cancel all unfinished jobs. Returns their number."""
        for job_id in self._jobs:
            self._send(osc.encode("/bridge/cancel", job_id))
        return len(self._jobs)

    def close(self):
        """Cancel everything and end."""
        self.cancel_all()
        self._udp.close()

    def poll(self):
        """Read replies, and ask again for missing ones."""
        for _ in range(MAX_DATAGRAMS):
            try:
                datagram, sender = self._udp.recvfrom(65_536)
            except BlockingIOError:
                break
            except OSError:  # Windows reports here that an earlier packet met a closed port
                continue
            message = osc.decode(datagram) if sender == self._daemon else None
            if message is not None:
                self._on_message(*message)
        for job_id, job in list(self._jobs.items()):
            self._check(job_id, job, self._clock())

    def _on_message(self, address, values):
        if address == "/bridge/error" and values[1:2] == ["unknown_job"]:
            # The daemon was restarted and does not know the job. Its sentence contains the id.
            for job_id in [job_id for job_id, job in self._jobs.items() if job.again and job_id in str(values[2:])]:
                self._end(job_id, "failed", ["unknown_job", "Clipbridge was restarted. Ask again."])
            return
        job = self._jobs.get(values[0]) if values and isinstance(values[0], str) else None
        if job is None or not address.startswith("/bridge/"):
            return
        job.last, job.answered, job.again = self._clock(), True, False
        what = address[len("/bridge/") :]
        if address in ENDS:
            self._end(values[0], what, values[1:])
        else:
            job.on_event(what, values[1:])

    def _check(self, job_id, job, now):
        silent = now - job.last
        if not job.answered:
            if silent > NO_ANSWER_S:
                port = self._daemon[1]
                why = f"Clipbridge does not answer on port {port}: start it with: clipbridge run"
                self._end(job_id, "failed", ["no_answer", why])
            elif silent > AGAIN_S and not job.again:
                job.again = True
                self._send(job.datagram)
        elif silent > GONE_S:
            self._end(job_id, "failed", ["no_answer", "Clipbridge has stopped answering. Is it still running?"])
        elif silent > SILENCE_S and not job.again:
            job.again = True
            self._send(osc.encode("/bridge/job", job_id))

    def _end(self, job_id, what, values):
        self._jobs.pop(job_id).on_event(what, values)

    def _send(self, datagram):
        try:
            self._udp.sendto(datagram, self._daemon)
        except OSError:
            pass  # like a lost packet: the missing answer is reported
