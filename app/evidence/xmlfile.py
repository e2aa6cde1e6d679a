"""XML from outside: no document type, no entities, a line in every refusal."""

from __future__ import annotations

from collections.abc import Collection
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from app.errors import FieldError, Invalid


def root_of(content: bytes, what: str, field: str, roots: Collection[str]) -> Element:
    """The root element, one of ``roots``. ``what`` ("a JUnit report") and ``field`` word the refusal.

    Raises:
        Invalid: not XML, another root, or a document with a document type or entities.
    """
    try:
        root: Element = fromstring(content, forbid_dtd=True)
    except ParseError as error:
        raise refused(what, field, str(error), error.position[0]) from error
    except DefusedXmlException as error:
        raise refused(what, field, "document types and entities are not accepted") from error
    except (LookupError, ValueError) as error:  # an encoding that nobody knows
        raise refused(what, field, str(error)) from error
    if root.tag not in roots:
        wanted = " or ".join(f"<{name}>" for name in roots)
        raise refused(what, field, f"the root element is <{root.tag}>, not {wanted}")
    return root


def refused(what: str, field: str, message: str, line: int | None = None) -> Invalid:
    return Invalid(f"This is not {what}: {message}.", [FieldError(field, message, line)])
