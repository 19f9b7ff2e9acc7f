"""A Relay stands before a stage and forwards every call; now and then it answers
Process with a reply that belongs to another batch, or to an older epoch."""
import concurrent.futures
import threading

import grpc

import company  # noqa: F401  (makes the stubs)

from troupe.v1 import stage_pb2 as stage_messages


class _Calls(grpc.GenericRpcHandler):
    def __init__(self, channel, process):
        self._channel, self._process = channel, process

    def service(self, details):
        method = details.method
        name = method.rsplit("/", 1)[1]
        metadata = [(key, value) for key, value in details.invocation_metadata
                    if not key.startswith(("grpc-", "user-agent", ":"))]

        def failing(call):
            def wrapped(request, context):
                try:
                    return call(request, context)
                except grpc.RpcError as error:
                    context.set_trailing_metadata(error.trailing_metadata() or ())
                    context.abort(error.code(), error.details())
            return wrapped

        def failing_stream(call):
            def wrapped(requests, context):
                try:
                    yield from call(requests, context)
                except grpc.RpcError as error:
                    context.set_trailing_metadata(error.trailing_metadata() or ())
                    context.abort(error.code(), error.details())
            return wrapped

        if name.startswith("Watch"):
            return grpc.unary_stream_rpc_method_handler(
                lambda request, _: self._channel.unary_stream(method)(request, metadata=metadata))
        if name == "Fit":
            return grpc.stream_stream_rpc_method_handler(failing_stream(
                lambda requests, _: self._channel.stream_stream(method)(requests, metadata=metadata)))
        if name == "Put":
            return grpc.stream_unary_rpc_method_handler(failing(
                lambda requests, _: self._channel.stream_unary(method)(requests, metadata=metadata)))
        forward = self._channel.unary_unary(method)
        if name == "Process":
            return grpc.unary_unary_rpc_method_handler(failing(
                lambda request, context: self._process(
                    forward(request, metadata=metadata, timeout=context.time_remaining()))))
        return grpc.unary_unary_rpc_method_handler(failing(
            lambda request, context: forward(request, metadata=metadata, timeout=context.time_remaining())))


class Relay:
    def __init__(self, address, every=9):
        self._every, self._lock = every, threading.Lock()
        self._replies, self.stale, self._last = 0, 0, None
        unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        self._channel = grpc.insecure_channel(address, options=unlimited)
        self._server = grpc.server(concurrent.futures.ThreadPoolExecutor(64), options=unlimited,
                                   handlers=(_Calls(self._channel, self._answer),))
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def __enter__(self):
        self._server.start()
        return self

    def __exit__(self, *_):
        self._server.stop(0).wait()
        self._channel.close()

    def _answer(self, reply):
        """The true reply; instead of every `every`th, the one before it or one of an older epoch."""
        with self._lock:
            self._replies += 1
            before, self._last = self._last, reply
            if self._replies % self._every or before is None:
                return reply
            self.stale += 1
            if self.stale % 2:
                return before
            # Nothing of it is true any more but the number and the attempt.
            old = stage_messages.ProcessResponse.FromString(before)
            new = stage_messages.ProcessResponse.FromString(reply)
            old.id.CopyFrom(new.id)
            old.id.epoch -= 1
            return old.SerializeToString()
