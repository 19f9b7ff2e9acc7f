"""Negative controls: coordinators with one protection taken out must turn the checks red, and by the
sentence that tells of that protection: one that cannot start, or fails at something else, proves nothing.

Each check first passes with the true coordinator, so that the protection is
the only difference.
"""
import re

import order
import operations

CHECKS = {
    "skip-sync": {order.commit_order: r"is not synced when it is published|is synced while .* are not"},
    "no-fencing": {operations.stale_replies: r"took \d+ rows and accounts for \d+|ORACLE: "},
    "swap-rename": {order.commit_order: r"appears without its manifest",
                    order.rename_crash: r"is visible without its manifest"},
}


def turns_red(check, sentence, program):
    """A test that passes when `check` fails, saying `sentence`, because of `program`."""
    def control(run):
        assert program.is_file(), f"no {program.name} in {program.parent}"
        check(run)
        try:
            words = check(run, program)
        except AssertionError as error:
            found = re.search(sentence, str(error))
            assert found, f"red for another reason than {sentence!r}: {error}"
            return f"red, as it must be: {found[0]}"
        raise AssertionError(f"stayed green: {words}")
    return control


def tests(directory):
    return {f"{name}_{check.__name__}": turns_red(
                check, sentence, directory.resolve() / f"troupe-coordinator-{name}")
            for name, checks in CHECKS.items() for check, sentence in checks.items()}
