"""Negative controls: coordinators with one protection taken out must turn the checks red.

Each check first passes with the true coordinator, so that the protection is
the only difference.
"""
import order
import operations
from fleet import Skipped

CHECKS = {
    "skip-sync": (order.commit_order,),
    "no-fencing": (operations.stale_replies,),
    "swap-rename": (order.commit_order, order.rename_crash),
}


def _turns_red(check, program):
    def control(run):
        if not program.is_file():
            raise Skipped(f"no {program.name} in {program.parent}")
        check(run)
        try:
            words = check(run, program)
        except AssertionError as error:
            return f"red, as it must be: {str(error)[:300]}"
        raise AssertionError(f"stayed green: {words}")
    return control


def tests(directory):
    return {f"{name}_{check.__name__}": _turns_red(check, directory.resolve() / f"troupe-coordinator-{name}")
            for name, checks in CHECKS.items() for check in checks}
