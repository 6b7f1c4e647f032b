"""AWS's partitions: which one a region or an ARN is of (botocore, data/partitions.json)."""

from __future__ import annotations

import re
from dataclasses import dataclass

AWS = "aws"


@dataclass(frozen=True)
class Partition:
    """`region` is where STS is asked if nothing says where; `suffixes` are what its host names end in."""

    region: str
    pattern: re.Pattern[str]
    suffixes: tuple[str, ...]


def _partition(region: str, pattern: str, *suffixes: str) -> Partition:
    return Partition(region, re.compile(pattern, re.ASCII), suffixes)


PARTITIONS = {
    AWS: _partition("us-east-1", r"(us|eu|ap|sa|ca|me|af|il|mx)-\w+-\d+", "amazonaws.com", "api.aws"),
    "aws-cn": _partition("cn-north-1", r"cn-\w+-\d+", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    "aws-us-gov": _partition("us-gov-west-1", r"us-gov-\w+-\d+", "amazonaws.com", "api.aws"),
    "aws-eusc": _partition(
        "eusc-de-east-1", r"eusc-(de)-\w+-\d+", "amazonaws.eu", "api.amazonwebservices.eu"
    ),
    "aws-iso": _partition("us-iso-east-1", r"us-iso-\w+-\d+", "c2s.ic.gov", "api.aws.ic.gov"),
    "aws-iso-b": _partition("us-isob-east-1", r"us-isob-\w+-\d+", "sc2s.sgov.gov", "api.aws.scloud"),
    "aws-iso-e": _partition("eu-isoe-west-1", r"eu-isoe-\w+-\d+", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    "aws-iso-f": _partition("us-isof-south-1", r"us-isof-\w+-\d+", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
}


def of_region(region: str) -> str:
    """The partition's name; empty if no partition has such regions."""
    for name, partition in PARTITIONS.items():
        if region == f"{name}-global" or partition.pattern.fullmatch(region):
            return name
    return ""


def of_arn(arn: str) -> str:
    """The partition's name in an ARN; empty for what is none, such as a hardware token's serial."""
    parts = arn.split(":", 2)
    return parts[1] if len(parts) == 3 and parts[0] == "arn" else ""
