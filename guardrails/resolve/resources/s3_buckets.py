"""The tags of buckets that the tagging API does not show.

It lists the resources of one region, while a bucket's name works in all: botocore sends a call on to the region of the
bucket (https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html). So a bucket that is not listed is asked
for its tags itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from guardrails.resolve.resources.resolver import Answers, Item, last_part
from guardrails.values import Lookup

KIND = "s3-bucket"
TAGS = Lookup("s3", "GetBucketTagging", "TagSet", empty_on=("NoSuchTagSet", "NoSuchBucket"))
# Directory buckets have names like this, in their own region only, and do not know that call
# (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketTagging.html).
_DIRECTORY = "--x-s3"


def asked(names: Iterable[str]) -> tuple[Lookup, ...]:
    """The look-up for each of these buckets."""
    return tuple(TAGS.about(Bucket=last_part(name)) for name in names if not name.endswith(_DIRECTORY))


def tagged(name: str, answers: Answers) -> list[Item]:
    """The bucket as the tagging API would list it; nothing where it was not asked for, or has no tag."""
    found = [answers[lookup.key()].items for lookup in asked([name]) if lookup.key() in answers]
    return [{"ResourceARN": f"arn:aws:s3:::{last_part(name)}", "Tags": [*tags]} for tags in found if tags]
