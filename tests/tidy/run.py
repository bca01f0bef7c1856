"""Runs the lints over the tree, and each lint over its samples, which prove that it can fail.

    tests/tidy/run.py [--quiet]

Ends with `N passed, N failed`: a lint without findings is one test, a sample is one.
"""

import sys
from pathlib import Path

import calls
import coroutines
import layering
import names
import walks
import words
from tree import Tree

lints = (layering, coroutines, calls, names, words, walks)


def prove(lint):
    """The samples that went wrong, as sentences."""
    for sample in lint.samples:
        findings = list(lint.check(Tree(sample.files)))
        texts = [finding.text for finding in findings]
        if sample.expected is None and texts:
            yield f"sample {sample.name!r}: no finding was due, there is {texts[0]!r}"
        elif sample.expected is not None and not any(sample.expected in text for text in texts):
            yield f"sample {sample.name!r}: a finding with {sample.expected!r} was due, there are {texts}"


def main(arguments):
    tree = Tree.of(Path(__file__).resolve().parent.parent.parent)
    passed = failed = 0
    for lint in lints:
        wrong = list(prove(lint))
        passed += len(lint.samples) - len(wrong)
        failed += len(wrong)
        findings = sorted(set(lint.check(tree)))
        passed += not findings
        failed += bool(findings)
        for sentence in wrong:
            print(f"tidy {lint.__name__}: {sentence}")
        for finding in findings:
            print(f"{finding.path}:{finding.line}: {finding.text}  [{lint.__name__}]")
        if "--quiet" not in arguments:
            print(f"tidy {lint.__name__}: {len(findings)} findings, {len(lint.samples)} samples")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
