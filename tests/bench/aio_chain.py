"""The message chain in Python: grpc.aio, a queue and a worker in each stage.

    aio_chain.py --stubs=DIR --port_file=FILE                 one stage, which echoes
    aio_chain.py --stubs=DIR --stages=A,B,C --concurrency=16  sends through them, prints JSON

Messages are those of bench_chain, read and written by the generated classes, which
are in DIR.
"""
import argparse
import asyncio
import json
import pathlib
import sys
import time

import grpc

METHOD = "/troupe.v1.Stage/Process"
# As long as the table of bench_chain: one row with 64 bytes of text.
TABLE = bytes(102)


class Echo(grpc.GenericRpcHandler):
    """A mailbox of 64 messages and the worker behind it."""

    def __init__(self, stage_pb2):
        self.stage_pb2 = stage_pb2
        self.mailbox = asyncio.Queue(64)

    def service(self, details):
        if details.method != METHOD:
            return None
        return grpc.unary_unary_rpc_method_handler(self.receive, self.stage_pb2.ProcessRequest.FromString,
                                                   self.stage_pb2.ProcessResponse.SerializeToString)

    async def receive(self, request, _context):
        answer = asyncio.get_running_loop().create_future()
        await self.mailbox.put((request, answer))
        return await answer

    async def work(self):
        while True:
            request, answer = await self.mailbox.get()
            if not answer.done():
                answer.set_result(self.stage_pb2.ProcessResponse(id=request.id, table=request.table))


async def serve(stage_pb2, port_file: pathlib.Path) -> None:
    echo = Echo(stage_pb2)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((echo,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    fresh = port_file.with_suffix(".new")
    fresh.write_text(f"{port}\n")
    fresh.rename(port_file)
    await echo.work()


async def send(stage_pb2, stages: list, concurrency: int, warm_up: float, seconds: float) -> dict:
    channels = [grpc.aio.insecure_channel(stage) for stage in stages]
    hops = [channel.unary_unary(METHOD, stage_pb2.ProcessRequest.SerializeToString,
                                stage_pb2.ProcessResponse.FromString) for channel in channels]
    begun = time.monotonic() + warm_up
    until = begun + seconds
    latencies = []

    async def place():
        while (since := time.monotonic()) < until:
            table = TABLE
            for hop in hops:
                request = stage_pb2.ProcessRequest(table=table)
                request.id.job, request.id.number, request.id.attempt = "job", len(latencies), 1
                table = (await hop(request)).table
            if begun <= (now := time.monotonic()) < until:
                latencies.append(now - since)

    await asyncio.gather(*(place() for _ in range(concurrency)))
    for channel in channels:
        await channel.close()
    latencies.sort()
    def at(share):
        return latencies[int(share * (len(latencies) - 1))] * 1e6
    return {"messages_per_s": len(latencies) / seconds, "p50_us": at(0.5), "p95_us": at(0.95), "p99_us": at(0.99)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stubs", required=True)
    parser.add_argument("--port_file", type=pathlib.Path)
    parser.add_argument("--stages")
    parser.add_argument("--concurrency", type=int, default=1)
    parser.add_argument("--warm_up", type=float, default=0.5)
    parser.add_argument("--seconds", type=float, default=2)
    options = parser.parse_args()
    sys.path.insert(0, options.stubs)
    from troupe.v1 import stage_pb2
    if options.port_file:
        asyncio.run(serve(stage_pb2, options.port_file))
    else:
        print(json.dumps(asyncio.run(send(stage_pb2, options.stages.split(","), options.concurrency,
                                          options.warm_up, options.seconds))))


if __name__ == "__main__":
    main()
