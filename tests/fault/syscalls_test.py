"""The reader of strace logs sees each kind of disorder."""
import unittest

import syscalls

WAL = "/s/troupe.db-wal"
TMP = "/s/output/job.tmp"
PART = f"{TMP}/part-00000.csv"
MANIFEST = f"{TMP}/manifest.json"
COMMIT = [f"1 write(3<{PART}>, ...) = 9", f"1 fdatasync(3<{PART}>) = 0",
          f"1 pwrite64(4<{WAL}>, ...) = 9", f"1 fdatasync(4<{WAL}>) = 0"]
END = [f"1 write(5<{MANIFEST}>, ...) = 9", f"1 fdatasync(5<{MANIFEST}>) = 0", f"1 fdatasync(6<{TMP}>) = 0",
       f'1 rename("{TMP}", "/s/output/job") = 0', "1 fdatasync(7</s/output>) = 0",
       f"1 pwrite64(4<{WAL}>, ...) = 9", f"1 fdatasync(4<{WAL}>) = 0"]


def first(lines):
    found = syscalls.problems("\n".join(lines) + "\n")[0]
    return found[0] if found else ""


class Syscalls(unittest.TestCase):
    def test_is_content_with_the_right_order(self):
        self.assertEqual(syscalls.problems("\n".join([*COMMIT, *COMMIT, *END])), ([], 2, 1))

    def test_reads_calls_that_were_interrupted(self):
        torn = [COMMIT[0], f"1 fdatasync(3<{PART}> <unfinished ...>", "2 write(9</x>, 1) = 1",
                "1 <... fdatasync resumed>) = 0", *COMMIT[2:], *END]
        self.assertEqual(first(torn), "")

    def test_sees_rows_that_are_not_synced(self):
        self.assertIn("is not synced when it is published", first([COMMIT[0], *COMMIT[2:], *END]))

    def test_does_not_count_a_sync_that_failed(self):
        failed = [COMMIT[0], f"1 fdatasync(3<{PART}>) = -1 EIO (Input/output error)", *COMMIT[2:], *END]
        self.assertIn("is not synced", first(failed))

    def test_sees_a_journal_entry_before_its_rows(self):
        swapped = [COMMIT[0], *COMMIT[2:], COMMIT[1]]
        self.assertIn("no journal entry followed", first([*swapped, *swapped, *END]))

    def test_sees_a_journal_synced_while_rejects_are_not(self):
        rejects = f"1 write(8<{TMP}/rejects.jsonl>, ...) = 9"
        self.assertIn("rejects.jsonl'] are not", first([rejects, *COMMIT, *END]))

    def test_sees_each_step_of_the_end_missing(self):
        for missing, words in ((0, "without its manifest"), (1, "manifest.json is not synced"),
                               (2, "not synced between"), (4, "not synced after the rename"),
                               (5, "no synced journal entry"), (6, "no synced journal entry")):
            with self.subTest(words):
                self.assertIn(words, first([*COMMIT, *END[:missing], *END[missing + 1:]]))

    def test_sees_success_before_the_rename_is_durable(self):
        self.assertIn("before the rename is durable", first([*COMMIT, *END[:4], *END[5:], END[4], *END[5:]]))

    def test_sees_a_directory_that_is_not_synced_into_its_parent(self):
        made = ['1 mkdir("/s/new", 0700) = 0', '1 mkdir("/s/old", 0700) = -1 EEXIST (File exists)']
        parent, inside = "1 fdatasync(7</s>) = 0", "1 fdatasync(8</s/new/file>) = 0"
        self.assertIn("/s/new is not synced into /s", first([*made, *COMMIT, *END]))
        self.assertIn("/s/new is not synced into /s", first([*made, inside, parent, *COMMIT, *END]))
        self.assertEqual(first([*made, parent, inside, *COMMIT, *END]), "")

    def test_sees_that_nothing_happened(self):
        self.assertIn("nothing was published", first([]))


if __name__ == "__main__":
    unittest.main()
