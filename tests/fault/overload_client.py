"""Calls a stage at a steady rate, and prints what came back as JSON.

  overload_client.py ADDRESS CALLS_PER_SECOND SECONDS WORK_MS
"""
import json
import sys
import threading
import time

import grpc

import fleet  # noqa: F401  (finds company)
from company import error_info
from google.rpc import error_details_pb2, status_pb2
from troupe.v1 import stage_pb2, stage_pb2_grpc, table_pb2


def has_retry_info(error):
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            return any(detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR)
                       for detail in status_pb2.Status.FromString(value).details)
    return False


class Client:
    def __init__(self, address, work_ms):
        self.counts = {"ok": [], "refused": [], "bare": 0, "other": 0, "first_other": []}
        self._lock = threading.Lock()
        self._open = 0
        self._stubs = [stage_pb2_grpc.StageStub(grpc.insecure_channel(
            address, options=[("grpc.use_local_subchannel_pool", 1)])) for _ in range(4)]
        self._request = stage_pb2.ProcessRequest(table=table_pb2.Table(rows=1).SerializeToString())
        self._request.params.custom["sleep_ms"] = work_ms

    def call(self, number):
        begin = time.monotonic()
        with self._lock:
            self._open += 1
        future = self._stubs[number % len(self._stubs)].Process.future(self._request, timeout=30)
        future.add_done_callback(lambda done: self._done(done, time.monotonic() - begin))

    def _done(self, future, seconds):
        error = future.exception()
        with self._lock:
            self._open -= 1
            if error is None:
                self.counts["ok"].append(seconds)
            elif error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED:
                self.counts["refused"].append(seconds)
                self.counts["bare"] += not (error_info(error)[0] == "MAILBOX_FULL" and has_retry_info(error))
            else:
                self.counts["other"] += 1
                self.counts["first_other"] = self.counts["first_other"] or [str(error)]

    def run(self, rate, seconds):
        begin, number = time.monotonic(), 0
        while (passed := time.monotonic() - begin) < seconds:
            while number < passed * rate:
                self.call(number)
                number += 1
            time.sleep(0.001)
        while self._open:
            time.sleep(0.01)


if __name__ == "__main__":
    client = Client(sys.argv[1], float(sys.argv[4]))
    client.run(float(sys.argv[2]), float(sys.argv[3]))
    json.dump(client.counts, sys.stdout)
