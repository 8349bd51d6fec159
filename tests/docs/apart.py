"""The one list of blocks that the pages show and the walk through them does not run: why, and which test runs the same."""

from __future__ import annotations

from dataclasses import dataclass

from tests.docs.blocks import Block, all_blocks

TUTORIAL = "tests/acceptance/test_docs.py::test_the_tutorial_works_to_the_letter"
CLUSTER = "tests/acceptance/test_kubernetes.py::test_the_page_works_to_the_letter"
PROXY = "tests/docs/test_security.py::test_the_proxy_before_the_port_lets_in_whom_it_knows"


@dataclass(frozen=True)
class Apart:
    """A block: its page, a part of its text that no other block there has, why it is apart, and the test of it."""

    page: str
    part: str
    reason: str
    test: str

    def matches(self, block: Block) -> bool:
        """Say whether this is the block."""
        return block.page == self.page and self.part in block.text


APART = (
    Apart("README.md", ".venv/bin/nox -s pipeline", "minutes, and the tutorial begins with the same", TUTORIAL),
    Apart(
        "README.md",
        ".venv/bin/nox -s test",
        "it is this very suite",
        "tests/acceptance/test_copies.py::test_the_example_under_another_name",
    ),
    Apart("README.md", "invoke new ../churn", "asks questions where there is a terminal", TUTORIAL),
    Apart(
        "CONTRIBUTING.md",
        "nox -s acceptance",
        "it is this very suite; lint, typecheck and test are run by the line",
        TUTORIAL,
    ),
    Apart(
        "docs/copying.md",
        "invoke new ../my-project",
        "asks questions where there is a terminal",
        "tests/acceptance/test_copies.py::test_the_example_under_another_name",
    ),
    Apart("docs/copying.md", "invoke new ../flights-3", "a minute, and the tutorial does the same", TUTORIAL),
    Apart("docs/security.md", "nox -s security", "a minute, and the tutorial does the same", TUTORIAL),
    Apart("docs/security.md", "userlist callers", "starts a proxy of its own", PROXY),
    Apart("docs/security.md", "curl -s -u", "asks that proxy", PROXY),
    Apart(
        "docs/copying.md",
        "invoke update",
        "needs a later version of the template",
        "tests/acceptance/test_updates.py::test_a_later_version_comes_into_a_copy_that_was_edited",
    ),
    Apart(
        "docs/docker.md",
        "host = ",
        "needs a machine at the other end of ssh",
        "tests/acceptance/test_remote.py::test_deploy_and_rollback_as_on_this_machine",
    ),
    Apart(
        "docs/docker.md",
        "frontend https",
        "needs a certificate, and port 443",
        "tests/infra/haproxy/test_upstream.py::test_it_speaks_tls_and_hands_on",
    ),
    *(
        Apart("docs/kubernetes.md", part, "needs a cluster", CLUSTER)
        for part in ("kubectl apply -k", "invoke deploy", "nox -s train", "invoke canary")
    ),
    Apart(
        "docs/load.md",
        "locust -f load/locustfile.py",
        "serves a page until it is stopped",
        "tests/load/test_locustfile.py::test_locust_finds_the_packages_by_itself",
    ),
    Apart(
        "docs/monitoring.md",
        "invoke monitor\n",
        "serves until it is stopped",
        "tests/acceptance/test_monitoring.py::test_rules_and_panels_see_what_really_happens",
    ),
    Apart(
        "docs/service.md",
        "tritonclient",
        "needs a client that the project does not install",
        "tests/service/test_tritonclient.py::test_a_tensor_for_each_column",
    ),
    Apart(
        "docs/service.md",
        "python -m service",
        "serves until it is stopped",
        "tests/service/test_server.py::test_a_prediction_over_http_agrees_with_the_estimator",
    ),
)


def is_apart(block: Block) -> bool:
    """Say whether a block is declared here."""
    return any(entry.matches(block) for entry in APART)


def walked() -> list[str]:
    """Return the pages that hold something to run: commands, programs or edits."""
    active = [block for block in all_blocks() if block.language in ("sh", "python", "diff") and not is_apart(block)]
    return list(dict.fromkeys(block.page for block in active))
