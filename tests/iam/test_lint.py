"""What the linter finds, each with its place."""

from __future__ import annotations

import json

import pytest

from bedrock_auth import ConfigurationError, iam

ACCOUNT = "123456789012"
ARN = f"arn:aws:bedrock:us-east-1:{ACCOUNT}"
NOVA = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"
INVOKE = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]


def policy(**elements):
    """A good policy but for these elements of its statement; ``None`` leaves one out."""
    statement = {"Effect": "Allow", "Action": INVOKE, "Resource": NOVA, **elements}
    return {"Version": "2012-10-17", "Statement": [{name: part for name, part in statement.items() if part is not None}]}


def found(document, **settings):
    return [(finding.severity, finding.code, finding.path) for finding in iam.lint(document, **settings)]


def only(document, **settings):
    (finding,) = iam.lint(document, **settings)
    assert finding.what
    assert finding.why
    assert finding.fix
    return finding


@pytest.mark.parametrize(
    "elements",
    [
        {},
        {"Action": "BEDROCK:invokemodel*"},
        {"Action": ["bedrock:Invoke?odel*"]},
        {"Resource": [NOVA, "arn:aws:bedrock:*::foundation-model/anthropic.*"]},
        {"Resource": ["arn:*:bedrock:*:*:inference-profile/*", "arn:aws:bedrock:*:*:foundation-model/*"]},
        {"Resource": "arn:aws:bedrock:${aws:RequestedRegion}::foundation-model/amazon.nova-lite-v1:0"},
        {"Resource": "arn:${AWS::Partition}:bedrock:${AWS::Region}::foundation-model/amazon.nova-lite-v1:0"},
        {"Resource": "arn:aws:bedrock:::foundation-model/amazon.nova-lite-v1:0"},
        {"Resource": "arn:aws:bedrock:*:*:*"},
        {"Sid": "", "Condition": {"StringEqualsIfExists": {"AWS:requestedregion": ["us-east-1"]}}},
        {"Condition": {"Bool": {"aws:SecureTransport": True}, "NumericLessThan": {"aws:MultiFactorAuthAge": 3600}}},
        {"Condition": {"Bool": {"aws:ViaAWSMCPService": "false", "aws:IsMcpServiceAction": "true"}}},
        {"Condition": {"StringEquals": {"aws:CalledViaAWSMCP": "aws-mcp.amazonaws.com"}}},
        {"Condition": {"ForAnyValue:StringLike": {"aws:PrincipalTag/team": "*"}, "Null": {"aws:TokenIssueTime": "false"}}},
        {"Action": ["s3:GetObject", "s3:Put*"], "Resource": "arn:aws:s3:::bucket/*"},
        {"Action": "bedrock:CreateGuardrail", "Resource": "*"},
        {"Effect": "Deny", "Action": "bedrock:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "NotResource": [NOVA], "Resource": None},
        {"Action": "bedrock-agentcore:InvokeAgentRuntime", "Resource": "*"},
    ],
    ids=str,
)
def test_good_policies_have_no_findings(elements):
    document = policy(**elements)
    assert iam.lint(document) == []
    assert iam.lint(json.dumps(document)) == []
    assert iam.lint({**document, "Statement": document["Statement"][0]}) == []


@pytest.mark.parametrize(
    ("action", "severity", "code", "fix"),
    [
        ("bedrock:Converse*", "error", "no-such-action", "write bedrock:InvokeModel and bedrock:InvokeModelWithResponseStream"),
        ("bedrock:converse", "error", "no-such-action", "write bedrock:InvokeModel"),
        ("bedrock:ConverseStream", "error", "no-such-action", "write bedrock:InvokeModelWithResponseStream"),
        ("bedrock:RetrieveAndGenerateStream", "error", "no-such-action", "write bedrock:RetrieveAndGenerate"),
        ("bedrock:StartAsyncInvoke", "error", "no-such-action", "write bedrock:InvokeModel"),
        ("bedrock-runtime:*", "error", "no-such-prefix", "write the actions that are called, such as bedrock:InvokeModel"),
        ("bedrock-runtime:Converse", "error", "no-such-prefix", "write bedrock:InvokeModel"),
        ("bedrock-agent-runtime:Retrieve", "error", "no-such-prefix", "write bedrock:Retrieve"),
        ("bedrockruntime:InvokeModel", "error", "no-such-prefix", "write bedrock:InvokeModel"),
        ("bedrock:InvokeModels", "error", "no-such-action", "write bedrock:InvokeModel"),
        ("bedrock:DanceTheTango", "warning", "no-such-action", "correct the name"),
        ("InvokeModel", "error", "no-such-action", "write bedrock:InvokeModel, for example"),
        ("bedrock:*", "warning", "every-action", "name the actions that are called"),
        ("*", "warning", "every-action", "name the actions that are called"),
        ("*:*", "warning", "every-action", "name the actions that are called"),
    ],
)
def test_wrong_actions(action, severity, code, fix):
    finding = only(policy(Action=[*INVOKE, action]))
    assert (finding.severity, finding.code, finding.fix) == (severity, code, fix)
    assert (finding.path, finding.statement) == ("$.Statement[0].Action[2]", 0)


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        (f"{ARN}:foundation-model/amazon.nova-lite-v1:0", "foundation-model-account"),
        ("arn:aws:bedrock:us-east-1::foundation-model/us.amazon.nova-lite-v1:0", "profile-as-model"),
        ("arn:aws:bedrock:us-east-1::foundation-model/eu.anthropic.claude-*", "profile-as-model"),
        ("arn:aws:bedrock:us-east-1::foundation-model/us.anthropic*", "profile-as-model"),
        ("arn:aws:bedrock:*::foundation-model/us.*", "profile-as-model"),
        ("arn:aws:bedrock:us-gov-west-1::foundation-model/amazon.nova-lite-v1:0", "partition"),
        ("arn:aws-gov:bedrock:us-gov-west-1::foundation-model/amazon.nova-lite-v1:0", "partition"),
        ("arn:aws:bedrock:useast1::foundation-model/amazon.nova-lite-v1:0", "region"),
        ("arn:aws:bedrock:us-east-1::inference-profile/us.amazon.nova-lite-v1:0", "no-account"),
        ("arn:aws:bedrock-runtime:us-east-1::foundation-model/amazon.nova-lite-v1:0", "no-such-service"),
        ("amazon.nova-lite-v1:0", "no-arn"),
    ],
)
def test_wrong_resources(resource, code):
    finding = only(policy(Resource=[NOVA, resource]))
    assert (finding.severity, finding.code, finding.path) == ("error", code, "$.Statement[0].Resource[1]")


def test_a_model_that_is_no_foundation_model_is_told_what_to_write():
    made = iam.lint(policy(Resource=f"{ARN}:model/amazon.nova-lite-v1:0"))
    assert {finding.code for finding in made} == {"no-such-kind", "wrong-resource"}
    assert made[0].fix == "write foundation-model"


def test_a_region_that_may_be_newer_than_botocore_is_no_error():
    assert only(policy(Resource="arn:aws:bedrock:eu-east-7::foundation-model/a.b")).severity == "warning"


@pytest.mark.parametrize(
    ("action", "resource", "code", "path"),
    [
        ("bedrock:InvokeAgent", f"{ARN}:agent/AGENT12345", "wrong-resource", "Resource"),
        ("bedrock:InvokeAgent", f"{ARN}:agent-alias/AGENT12345", "agent-alias", "Resource"),
        ("bedrock:InvokeAgent", [NOVA, f"{ARN}:agent/*"], "wrong-resource", "Action"),
        ("bedrock:Retrieve", f"{ARN}:agent-alias/A/B", "wrong-resource", "Resource"),
        ("bedrock:InvokeModel*", f"{ARN}:knowledge-base/KB", "wrong-resource", "Resource"),
        ("bedrock:ApplyGuardrail", "arn:aws:s3:::bucket", "wrong-resource", "Resource"),
        ("bedrock:CountTokens", f"{ARN}:inference-profile/us.amazon.nova-lite-v1:0", "wrong-resource", "Resource"),
        ("bedrock:RetrieveAndGenerate", f"{ARN}:knowledge-base/KB", "needs-star", "Action"),
        ("bedrock:ListFoundationModels", NOVA, "needs-star", "Action"),
        ("bedrock:CallWithBearerToken", [NOVA], "needs-star", "Action"),
    ],
)
def test_actions_on_resources_that_they_do_not_take(action, resource, code, path):
    assert found(policy(Action=action, Resource=resource)) == [("error", code, f"$.Statement[0].{path}")]


@pytest.mark.parametrize("action", ["bedrock:InvokeModel*", "bedrock:InvokeAgent", "bedrock:Retrieve", "bedrock:ApplyGuardrail"])
def test_every_resource_is_warned_of_where_narrower_is_possible(action):
    assert found(policy(Action=action, Resource="*")) == [("warning", "every-resource", "$.Statement[0].Resource")]
    assert found(policy(Action=action, Resource="*", Effect="Deny")) == []


def test_negations_are_warned_of_where_they_allow():
    everything_else = {"Action": None, "NotAction": "iam:*", "Resource": None, "NotResource": NOVA}
    assert found(policy(**everything_else)) == [
        ("warning", "not-action", "$.Statement[0].NotAction"),
        ("warning", "not-resource", "$.Statement[0].NotResource"),
    ]
    assert found(policy(**everything_else, Effect="Deny")) == []


@pytest.mark.parametrize(
    ("condition", "severity", "code"),
    [
        ({"StringEqual": {"aws:RequestedRegion": "us-east-1"}}, "error", "no-such-operator"),
        ({"ForAnyValue:StringLikes": {"aws:TagKeys": "a"}}, "error", "no-such-operator"),
        ({"Bool": {"aws:CloudTrailLogged": "true"}}, "error", "no-such-key"),
        ({"StringEquals": {"aws:RequestRegion": "us-east-1"}}, "error", "no-such-key"),
        ({"StringEquals": {"bedrock:InferenceProfile": "x"}}, "error", "no-such-key"),
        ({"StringEquals": {"aws:PrincipalTags/team": "x"}}, "error", "no-such-key"),
        ({"StringEquals": {"aws:PhaseOfTheMoon": "full"}}, "warning", "no-such-key"),
        ({"StringEquals": {"RequestedRegion": "us-east-1"}}, "error", "no-such-key"),
        ({"StringEquals": {"aws:RequestedRegion": ["us-east-1", "eu-*"]}}, "error", "literal-star"),
        ({"StringEquals": {"aws:RequestedRegion": []}}, "error", "condition"),
        ({"StringEquals": "aws:RequestedRegion"}, "error", "condition"),
        ("StringEquals", "error", "condition"),
    ],
    ids=str,
)
def test_wrong_conditions(condition, severity, code):
    finding = only(policy(Condition=condition))
    assert (finding.severity, finding.code) == (severity, code)
    assert finding.path.startswith("$.Statement[0].Condition")


def test_a_misspelt_condition_is_told_what_to_write():
    assert "did you mean StringEquals?" in only(policy(Condition={"StringEqual": {"aws:SourceIp": "1.2.3.4"}})).what
    assert only(policy(Condition={"StringEquals": {"aws:RequestRegion": "x"}})).fix == "write aws:RequestedRegion"
    assert only(policy(Condition={"StringEquals": {"aws:RequestedRegion": "eu-*"}})).fix == "use StringLike"


@pytest.mark.parametrize(
    ("document", "severity", "code", "path"),
    [
        ([], "error", "no-policy", "$"),
        ("2012", "error", "no-policy", "$"),
        ({"Version": "2012-10-17"}, "error", "no-statement", "$.Statement"),
        ({"Version": "2012-10-17", "Statement": []}, "error", "no-statement", "$.Statement"),
        ({"Version": "2012-10-17", "Statement": ["x"]}, "error", "no-statement", "$.Statement[0]"),
        ({**policy(), "Version": "2024-01-01"}, "error", "no-such-version", "$.Version"),
        ({**policy(), "Version": 2012}, "error", "no-such-version", "$.Version"),
        ({**policy(), "Version": "2008-10-17"}, "warning", "old-version", "$.Version"),
        ({"Statement": policy()["Statement"]}, "warning", "old-version", "$.Version"),
        ({**policy(), "Statements": []}, "error", "no-such-element", "$.Statements"),
        (policy(Effect="allow"), "error", "effect", "$.Statement[0].Effect"),
        (policy(Effect=None), "error", "effect", "$.Statement[0].Effect"),
        (policy(Effect=["Allow"]), "error", "effect", "$.Statement[0].Effect"),
        (policy(Actions="x:Y"), "error", "no-such-element", "$.Statement[0].Actions"),
        (policy(Action=None), "error", "action", "$.Statement[0]"),
        (policy(Action=[]), "error", "action", "$.Statement[0].Action"),
        (policy(Resource=None), "error", "resource", "$.Statement[0]"),
        (policy(Resource=[NOVA, 7]), "error", "resource", "$.Statement[0].Resource"),
        (policy(Sid="My statement"), "error", "sid", "$.Statement[0].Sid"),
    ],
    ids=str,
)
def test_wrong_forms(document, severity, code, path):
    assert (severity, code, path) in found(json.dumps(document))
    if not isinstance(document, str):
        assert (severity, code, path) in found(document)


def test_names_of_statements_are_unique():
    first, second = iam.lint({"Version": "2012-10-17", "Statement": policy(Sid="One")["Statement"] * 2})
    assert (first.code, first.statement, second.statement, second.sid) == ("sid", 0, 1, "One")


TEXT = """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Good", "Effect": "Allow", "Action": "bedrock:ListFoundationModels", "Resource": "*"
    },
    {
      "Sid": "Bad",
      "Effect": "allow",
      "Action": [
        "bedrock:InvokeModelWithResponseStream",
        "bedrock:Converse"
      ],
      "Resource": "arn:aws:bedrock:us-east-1::foundation-model/a.b",
      "Condition": {"StringEquals": {"aws:RequestedRegion":
        "eu-*"}}
    }
  ]
}"""


def test_findings_in_a_text_have_lines():
    lines = {finding.code: (finding.line, finding.sid) for finding in iam.lint(TEXT)}
    assert lines == {"effect": (9, "Bad"), "no-such-action": (12, "Bad"), "literal-star": (15, "Bad")}
    assert str(iam.lint(TEXT)[0]).startswith("error: line 9, $.Statement[1].Effect: Effect 'allow'")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{\n  "Version": "2012-10-17"\n  "Id": "x"\n}', 3),
        ("", 1),
        ('{"Version": NaN}', None),
        ("[" * 100_000, None),
        ("9" * 5000, None),
    ],
    ids=["comma", "empty", "nan", "deep", "long"],
)
def test_what_is_no_json_is_one_finding(text, line):
    finding = only(text)
    assert (finding.severity, finding.code, finding.line) == ("error", "no-json", line)


def test_a_key_that_is_there_twice_is_found_where_it_counts():
    text = TEXT.replace('"Effect": "allow",', '"Effect": "Allow",\n"Effect": "Deny",')
    assert [(finding.code, finding.line) for finding in iam.lint(text) if finding.path.endswith("Effect")] == [
        ("repeated-key", 10)
    ]


def trust(condition, principal, action="sts:AssumeRoleWithWebIdentity"):
    return policy(Action=action, Resource=None, Principal=principal, Condition=condition)


ISSUER = "cognito-identity.amazonaws.com"
COGNITO = {"Federated": ISSUER}
GITHUB = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"}
AUD = {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}
SUB = "token.actions.githubusercontent.com:sub"


@pytest.mark.parametrize(
    ("document", "codes"),
    [
        (trust(None, COGNITO), ["no-aud", "no-amr"]),
        (trust({"StringEquals": {f"{ISSUER}:aud": "p"}}, COGNITO), ["no-amr"]),
        (trust({"StringNotEquals": {f"{ISSUER}:aud": "p"}}, COGNITO), ["no-aud", "no-amr"]),
        (trust({"ForAllValues:StringLike": {f"{ISSUER}:amr": "authenticated"}}, COGNITO), ["no-aud", "no-amr"]),
        (trust({"StringEquals": AUD}, GITHUB), ["no-sub"]),
        (trust({"StringEquals": AUD, "StringLike": {SUB: "*"}}, GITHUB), ["no-sub"]),
        (trust({"StringEqualsIfExists": {**AUD, SUB: "repo:o/r"}}, GITHUB), ["no-aud", "no-sub"]),
        (trust({"StringEquals": {SUB: "repo:o/r"}}, GITHUB, "sts:*"), ["no-aud"]),
        (trust({"StringEquals": {**AUD, SUB.upper(): "repo:o/r"}}, GITHUB), []),
        (trust(None, GITHUB, "sts:TagSession"), []),
        (trust(None, "*", "sts:AssumeRole"), ["anybody"]),
        (trust(None, {"AWS": ["*"]}, "sts:AssumeRole"), ["anybody"]),
        (trust({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, {"AWS": "*"}, "sts:AssumeRole"), ["anybody"]),
    ],
)  # fmt: skip
def test_trust_policies_let_in_somebody_not_everybody(document, codes):
    assert [finding.code for finding in iam.lint(document)] == codes


def statement_of(action, **condition):
    return {
        "Effect": "Allow",
        "Action": action,
        "Resource": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f",
        "Condition": condition,
    }


URL = statement_of("lambda:InvokeFunctionUrl", StringEquals={"lambda:FunctionUrlAuthType": "AWS_IAM"})
BY_URL = statement_of("lambda:InvokeFunction", Bool={"lambda:InvokedViaFunctionUrl": "true"})


@pytest.mark.parametrize(
    ("statements", "severities"),
    [
        ([URL, BY_URL], []),
        ([URL], ["error"]),
        ([BY_URL], ["error"]),
        ([URL, statement_of("lambda:InvokeFunction")], ["warning"]),
        ([statement_of("lambda:InvokeFunction")], []),
        ([statement_of("lambda:*")], []),
    ],
    ids=["both", "url", "function", "open", "plain", "all"],
)
def test_a_function_url_takes_both_statements(statements, severities):
    made = iam.lint({"Version": "2012-10-17", "Statement": statements})
    assert [finding.severity for finding in made] == severities
    assert {finding.code for finding in made} <= {"function-url"}


def test_a_model_that_cannot_be_streamed_is_noted():
    assert found(policy(Action="bedrock:InvokeModel")) == [("note", "no-streaming", "$.Statement[0].Action")]


PROFILE = "us.amazon.nova-lite-v1:0"
PROFILE_ARN = f"{ARN}:inference-profile/{PROFILE}"
GLOBAL_ARN = f"{ARN}:inference-profile/global.am.b"
HERE = "arn:aws:bedrock:us-east-1::foundation-model/am.b"
THROUGH = {"StringEquals": {"bedrock:InferenceProfileArn": PROFILE_ARN}}


@pytest.mark.parametrize(
    ("document", "model_id", "codes"),
    [
        (policy(), "amazon.nova-lite-v1:0", []),
        (policy(), NOVA, []),
        (policy(Resource="arn:aws:bedrock:*::foundation-model/amazon.*"), "amazon.nova-lite-v1:0", []),
        (policy(), "amazon.nova-pro-v1:0", ["model-not-allowed"]),
        (policy(Condition=THROUGH), "amazon.nova-lite-v1:0", ["model-not-allowed"]),
        (policy(Effect="Deny"), "amazon.nova-lite-v1:0", ["model-not-allowed"]),
        (policy(), PROFILE, ["model-not-allowed"]),
        (policy(Resource=[PROFILE_ARN]), PROFILE, ["profile-without-model"]),
        (policy(Resource=[PROFILE_ARN, NOVA]), PROFILE, []),
        (policy(Resource=[PROFILE_ARN, NOVA]), PROFILE_ARN, []),
        (policy(Resource=[PROFILE_ARN, NOVA]), PROFILE_ARN.replace("us-east-1", "us-east-2"), ["model-not-allowed"]),
        (policy(Resource=[PROFILE_ARN, NOVA]), f"eu.{PROFILE[3:]}", ["model-not-allowed"]),
        (policy(Resource=[GLOBAL_ARN, "arn:aws:bedrock:*::foundation-model/am.b"]), "global.am.b", []),
        (policy(Resource=[GLOBAL_ARN, HERE]), "global.am.b", ["profile-without-model"]),
        (policy(Resource=[GLOBAL_ARN, HERE, HERE.replace("us-east-1", "")]), "global.am.b", []),
        (policy(Resource="*", Condition={"StringEquals": {"aws:RequestedRegion": "us-east-1"}}), "global.am.b",
         ["profile-without-model", "every-resource"]),
        (policy(Resource="*"), PROFILE, ["every-resource"]),
        (policy(Action=None, NotAction=["iam:*", "organizations:*"], Resource="*"), PROFILE, ["not-action"]),
        (policy(Action=None, NotAction=["bedrock:Invoke*"], Resource="*"), PROFILE,
         ["model-not-allowed", "profile-without-model", "not-action"]),
        (policy(Resource=None, NotResource="arn:aws:bedrock:*::foundation-model/am.*"), "amazon.nova-lite-v1:0",
         ["not-resource"]),
        (policy(Resource=None, NotResource="arn:aws:bedrock:*::foundation-model/am*"), "amazon.nova-lite-v1:0",
         ["model-not-allowed", "not-resource"]),
    ],
)  # fmt: skip
def test_what_a_model_takes_is_there(document, model_id, codes):
    assert list(dict.fromkeys(finding.code for finding in iam.lint(document, model_id=model_id))) == codes


def test_a_model_id_that_is_none_is_refused():
    with pytest.raises(ConfigurationError, match="neither the id nor the ARN"):
        iam.lint(policy(), model_id="not an id")


def test_a_finding_is_one_line_whatever_the_policy_holds():
    for finding in iam.lint(policy(Sid="a\x1b[31m\nerror: x", Action=[*INVOKE, "bedrock:Foo\x1b[2J\nline\u202e", "bedrock:ü?"])):
        assert str(finding).isprintable()
        assert "\\x1b[" in str(finding) or "ü" in str(finding)


def test_a_finding_is_a_value_for_programs():
    finding = only(policy(Effect="allow"))
    assert finding.to_api() == {
        "severity": "error", "code": "effect", "path": "$.Statement[0].Effect", "what": "Effect 'allow'",
        "why": "IAM refuses the policy", "fix": 'write "Allow" or "Deny"', "statement": 0, "sid": None, "line": None,
    }  # fmt: skip
    assert (
        str(finding) == 'error: $.Statement[0].Effect: Effect \'allow\': IAM refuses the policy; write "Allow" or "Deny" [effect]'
    )
