"""The gates let nothing pass that has no reason, and keep no reason that nothing needs."""

from __future__ import annotations

import json
from typing import Any

from tests.template.deployed import stack
from tests.template.gates import (
    EXCEPTIONS,
    Finding,
    cfn_lint_findings,
    cfripper_findings,
    checkov_findings,
    complaints,
    explained,
    pip_audit_findings,
    was_audited,
)

ONE, OTHER = Finding("checkov", "CKV_1", "Bucket"), Finding("checkov", "CKV_1", "Queue")


def test_a_finding_without_a_reason_fails() -> None:
    (said,) = complaints([ONE, OTHER], {ONE})

    assert said.startswith("checkov: CKV_1 on Queue: fix it")


def test_a_reason_without_a_finding_fails() -> None:
    (said,) = complaints([ONE], {ONE, OTHER})

    assert said.startswith("checkov: CKV_1 on Queue: not found any more")


def test_an_empty_reason_explains_nothing() -> None:
    entry = '[[checkov]]\nrule = "CKV_1"\nresources = ["Bucket"]\nreason = "{}"\n'

    assert explained(entry.format("because")) == {ONE}
    assert explained(entry.format(" ")) == set()


def test_every_exception_is_about_an_existing_resource() -> None:
    named = {
        finding.resource.partition(".")[0]
        for finding in explained(EXCEPTIONS.read_text())
        if finding.tool != "pip-audit"
    }

    assert named <= set(stack().resources)


def test_each_tools_report_is_read() -> None:
    lint = [{"Rule": {"Id": "E1"}, "Location": {"Path": ["Resources", "Queue", "Properties"]}}]
    failed = [{"check_id": "CKV_1", "resource": "AWS::SQS::Queue.Queue"}]
    ripped = [{"rule": "Wildcard", "resource_ids": ["Key"]}, {"rule": "Template", "resource_ids": None}]

    assert [*cfn_lint_findings(json.dumps(lint))] == [Finding("cfn-lint", "E1", "Queue.Properties")]
    assert [*cfn_lint_findings("")] == []
    assert [*checkov_findings(json.dumps({"results": {"failed_checks": failed}}))] == [OTHER]
    assert [finding.resource for finding in cfripper_findings(json.dumps({"failures": ripped}))] == [
        "Key",
        "the template",
    ]


def test_packages_that_could_not_be_checked_are_not_considered_safe() -> None:
    unknown: dict[str, Any] = {"name": "a", "skip_reason": "Dependency not found"}
    audited = {"name": "b", "version": "1", "vulns": [{"id": "CVE-1"}]}

    assert not was_audited(json.dumps({"dependencies": [unknown]}))
    report = json.dumps({"dependencies": [unknown, audited]})
    assert was_audited(report)
    assert [*pip_audit_findings(report)] == [Finding("pip-audit", "CVE-1", "b 1")]
