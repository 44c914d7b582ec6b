"""The tags of buckets that the tagging API does not show.

It lists the resources of one region, while a bucket's name works in all: botocore sends a call on to the region of the
bucket (https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html). So a bucket that is not listed is asked
for its tags itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from guardrails.resolve.resources.resolver import Answers, Context, Item, carried_by, last_part
from guardrails.values import Lookup

KIND = "s3-bucket"
TAGS = Lookup("s3", "GetBucketTagging", "TagSet", empty_on=("NoSuchTagSet", "NoSuchBucket"))
# Directory buckets have names like this, in their own region only, and do not know that call
# (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketTagging.html).
_DIRECTORY = "--x-s3"
# Anything else, such as a name with a prefix behind it, botocore would not send.
_NAME = re.compile(r"[A-Za-z0-9.\-_]{1,255}")


def asked(names: Iterable[str]) -> tuple[Lookup, ...]:
    """The look-up for each of these buckets."""
    buckets = (last_part(name) for name in names)
    return tuple(TAGS.about(Bucket=name) for name in buckets if _NAME.fullmatch(name) and not name.endswith(_DIRECTORY))


def tagged(name: str, answers: Answers) -> list[Item]:
    """The bucket as the tagging API would list it; nothing where it was not asked for, or has no tag."""
    found = [answers[lookup.key()].items for lookup in asked([name]) if lookup.key() in answers]
    return [{"ResourceARN": f"arn:aws:s3:::{last_part(name)}", "Tags": [*tags]} for tags in found if tags]


def away(items: Iterable[Item], context: Context) -> str:
    """What to do where such a bucket is a cluster's whose machines are not in the call's region; "" where they are."""
    others = [name for name in carried_by(items, context) if name not in context.inventory.clusters]
    if not others:
        return ""
    region = context.call.region
    return (
        f"the machines of {', '.join(others)}, which are not in {region}: make the call with a client for their region"
    )
