"""Pipeline: rows/s of a scoring job / rows/s of its slowest stage driven alone.

Alone means: the same stage process gets the batches of that job (splits of
4 MiB, the job's artifacts) from here, four calls under way at a time, which is
what the coordinator allows itself. Requests and answers are opaque bytes here.
With all stages on few cores the sum of their work is the limit and not the
slowest, so the note has CPU time per row, and what the cores allow at best.
"""
import collections
import os
import statistics
import time

from measuring import Row
import tables

TURNS = 3
BATCHES = 24
SECONDS_ALONE = 1.0
IN_FLIGHT = 4


def _drive(method, requests, least_seconds: float) -> tuple:
    """Sends the requests in turn for so long; (answers of the first round, requests sent, seconds)."""
    waiting, answers, sent = collections.deque(), [], 0
    started = time.monotonic()
    while sent < len(requests) or time.monotonic() - started < least_seconds:
        waiting.append(method.future(requests[sent % len(requests)], timeout=60))
        sent += 1
        if len(waiting) == IN_FLIGHT:
            answers.append(waiting.popleft().result())
            del answers[len(requests):]
    while waiting:
        answers.append(waiting.popleft().result())
    return answers[:len(requests)], sent, time.monotonic() - started


class _Alone:
    """The stages of one fitted pipeline, driven one at a time."""

    def __init__(self, team, table: str):
        # Their stubs exist once tests/process/company.py is imported.
        from troupe.v1 import coordinator_pb2, loader_pb2, loader_pb2_grpc, stage_pb2
        self._loader, self._stage = loader_pb2, stage_pb2
        pipeline = team.stub.GetPipeline(coordinator_pb2.GetPipelineRequest(pipeline="numbers"))
        self.actors = {actor.name: actor for actor in team.actors}
        plan = loader_pb2.PlanRequest(split_bytes=4 << 20)
        plan.source.path = table
        page = loader_pb2_grpc.LoaderStub(self.actors["loader"].channel).Plan(plan)
        self._loads = [loader_pb2.LoadRequest(source=plan.source, split=split, schema=pipeline.input,
                                              source_columns=[field.name for field in page.schema.fields])
                       .SerializeToString() for split in page.splits[:BATCHES]]
        self._hops = pipeline.hops

    def measure(self) -> dict:
        """(rows/s, CPU seconds per row) of each stage."""
        tables_, rows = self._run("loader", "Loader/Load", self._loads, self._loader.LoadResponse)
        found = {"loader": rows}
        for hop in self._hops:
            requests = [self._stage.ProcessRequest(params=hop.params, artifact=hop.artifact, form=self._stage.MATRIX,
                                                   table=table).SerializeToString() for table in tables_]
            tables_, found[hop.stage] = self._run(hop.stage, "Stage/Process", requests, self._stage.ProcessResponse)
        return found

    def _run(self, name, method, requests, answer):
        import jobs
        actor = self.actors[name]
        before = jobs.cpu_seconds(actor)
        answers, sent, seconds = _drive(actor.channel.unary_unary(f"/troupe.v1.{method}"), requests, SECONDS_ALONE)
        cpu = jobs.cpu_seconds(actor) - before
        parsed = [answer.FromString(each) for each in answers]
        rows = sum(each.rows for each in parsed) * sent / len(requests)
        return [each.table for each in parsed], (rows / seconds, cpu / rows)


def measure(bench) -> list:
    import jobs
    table = tables.times(bench, tables.numbers(bench, 200_000), 3)
    together, slowest, alone, work = [], [], collections.defaultdict(list), collections.defaultdict(list)
    with jobs.company(bench) as team:
        jobs.train_numbers(team, bench)
        stages = _Alone(team, table.name)
        for _ in range(TURNS):
            before = {actor: jobs.cpu_seconds(actor) for actor in team.actors}
            job = team.run(kind="SCORE", pipeline="numbers", source={"path": table.name})
            rows = job.manifest.rows_ok
            for actor, seconds in before.items():
                work[actor.name].append((jobs.cpu_seconds(actor) - seconds) / rows)
            together.append(rows / jobs.span([job]))
            found = stages.measure()
            slowest.append(min(speed for speed, _ in found.values()))
            for name, figures in found.items():
                alone[name].append(figures)
    cores = len(os.sched_getaffinity(0))
    costs = {name: 1e6 * statistics.median(each) for name, each in work.items()}
    best = cores * 1e6 / sum(costs.values())
    lines = [f"{name} alone {statistics.median(speed for speed, _ in figures):,.0f} rows/s, "
             f"{1e6 * statistics.median(cpu for _, cpu in figures):.2f} us of CPU a row"
             for name, figures in alone.items()]
    return [Row("pipeline", "scoring job / its slowest stage alone", "rows/s", statistics.median(together),
                statistics.median(slowest), min(alone, key=lambda name: statistics.median(alone[name])[0]),
                [mine / other for mine, other in zip(together, slowest)], 0.8,
                note="; ".join(lines) + ". Together " + ", ".join(
                    f"{name} {cost:.2f}" for name, cost in costs.items()) +
                f" us a row: {cores} cores allow {best:,.0f} rows/s, of which "
                f"{statistics.median(together) / best:.0%} are reached")]
