"""The real AWS tools that tests wrap: where they stand, and a call of each that AWS sees.

Each call ends well and says by its keys who made it: the local AWS lists them. `make tools` makes the tools;
AWS CLI 2 is the system's.
"""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.aws_server.client import AWS, ROOT, Call, LocalAws
from tests.parts import absent, needs

BUCKET = "tools"
TOOLS = ROOT / ".tools"
# The smallest app: what the CDK's libraries would write, without them.
CDK_APP = """
const fs = require("fs"), folder = process.env.CDK_OUTDIR;
const stack = {
  type: "aws:cloudformation:stack",
  environment: "aws://unknown-account/unknown-region",
  properties: {templateFile: "Demo.json"},
};
fs.writeFileSync(folder + "/manifest.json", JSON.stringify({version: "36.0.0", artifacts: {Demo: stack}}));
fs.writeFileSync(folder + "/Demo.json", JSON.stringify({Resources: {}}));
console.error("profile=" + process.env.AWS_PROFILE + " region=" + process.env.CDK_DEFAULT_REGION);
"""
SAM_TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  Layer:
    Type: AWS::Serverless::LayerVersion
    Properties:
      ContentUri: layer
"""


@dataclass(frozen=True)
class Tool:
    """A command and a call of it.

    `programs` are the files it consists of, by the names under which they have to be on PATH; `action` is
    what the call asks of AWS; `files` lie in the directory it is run in.
    """

    name: str
    command: str
    programs: Mapping[str, Path]
    words: tuple[str, ...]
    action: str
    through_proxy: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


_WHO = ("sts", "get-caller-identity", "--query", "Arn", "--output", "text")

ALL = {
    tool.name: tool
    for tool in (
        Tool("aws-1", "aws", {"aws": AWS}, _WHO, "GetCallerIdentity"),
        # Debian's is older than AWS_ENDPOINT_URL.
        Tool("aws-2", "aws", {"aws": Path("/usr/bin/aws")}, _WHO, "GetCallerIdentity", through_proxy=True),
        Tool(
            "cdk",
            "cdk",
            {"cdk": TOOLS / "cdk/node_modules/.bin/cdk", "node": TOOLS / "cdk/bin/node"},
            # It asks whose account this is before it runs the app, whatever the command.
            ("list", "--no-notices", "--app", "node app.js"),
            "GetCallerIdentity",
            variables={"CDK_DISABLE_VERSION_CHECK": "1", "CDK_DISABLE_CLI_TELEMETRY": "true"},
            files={"app.js": CDK_APP},
        ),
        Tool(
            "sam",
            "sam",
            {"sam": TOOLS / "sam/bin/sam"},
            ("package", "--s3-bucket", BUCKET, "--force-upload", "--template-file", "template.yaml"),
            "PUT",
            variables={"SAM_CLI_TELEMETRY": "0"},
            files={"template.yaml": SAM_TEMPLATE, "layer/code.txt": "code"},
        ),
        Tool(
            "awslogs", "awslogs", {"awslogs": TOOLS / "awslogs/bin/awslogs"}, ("groups",), "DescribeLogGroups"
        ),
        # In the place of eksctl, which no package registry has: its SDK, with the same chain.
        Tool(
            "eksctl",
            "eksctl",
            {"eksctl": TOOLS / "go/bin/default_chain"},
            ("get", "clusters"),
            "GetCallerIdentity",
        ),
    )
}


def find(name: str) -> Tool:
    """The tool, if it is on this machine; else the end of the test, for want of it."""
    tool = ALL[name]
    for program in tool.programs.values():
        if not program.exists():
            absent(f"{name} (make tools)" if name != "aws-2" else name)
    if name == "aws-2":
        needs("aws")
        version = subprocess.run([tool.programs["aws"], "--version"], capture_output=True, check=False).stdout
        if not version.startswith(b"aws-cli/2."):
            absent(name)
    return tool


def link(tool: Tool, directory: Path) -> Path:
    """Make a directory for PATH that holds the tool's programs and nothing else."""
    directory.mkdir()
    for name, program in tool.programs.items():
        (directory / name).symlink_to(program)
    return directory


def prepare(tool: Tool, directory: Path) -> None:
    """Write the files of the tool's call into the directory it is to run in; take away what it remembers."""
    shutil.rmtree(directory / ".cdk", ignore_errors=True)
    for name, text in tool.files.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def variables(tool: Tool, aws: LocalAws, home: Path) -> dict[str, str]:
    """What sends the tool to the local AWS, and keeps what it writes in this home."""
    there = aws.proxy_environment() if tool.through_proxy else aws.environment()
    # The CDK asks the user database where home is. It keeps there which account a key belongs to.
    own = {"CDK_HOME": str(home / ".cdk")} if tool.name == "cdk" else {}
    return {**there, **tool.variables, **own}


def calls(tool: Tool, aws: LocalAws) -> list[Call]:
    """The tool's successful calls of its action, since the calls were last forgotten.

    Keyturn's own are not among them: of STS it asks for keys alone.
    """
    return [call for call in aws.calls() if call.action.split()[0] == tool.action and call.status == 200]
