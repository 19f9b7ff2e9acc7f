"""A control passes for its sentence alone."""
import pathlib
import unittest

import controls

PROGRAM = pathlib.Path("/bin/true")


def check(says):
    """One that passes with the true coordinator, and with another says `says`."""
    def checked(_run, program=None):
        assert program is None or says is None, says
        return "fine"
    return checked


class Controls(unittest.TestCase):
    def red(self, says, program=PROGRAM):
        return controls.turns_red(check(says), "without its [a-z]+", program)(None)

    def test_passes_by_its_sentence(self):
        self.assertIn("without its manifest", self.red("output is visible without its manifest"))

    def test_fails_when_the_check_fails_by_another(self):
        with self.assertRaisesRegex(AssertionError, "red for another reason"):
            self.red("coordinator ended with 127: error while loading shared libraries")

    def test_fails_when_the_check_stays_green(self):
        with self.assertRaisesRegex(AssertionError, "stayed green"):
            self.red(None)

    def test_fails_when_there_is_no_program(self):
        with self.assertRaisesRegex(AssertionError, "no nothing in /bin"):
            self.red("without its manifest", pathlib.Path("/bin/nothing"))


if __name__ == "__main__":
    unittest.main()
