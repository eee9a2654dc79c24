"""Sessions of the conformance suites run the definitions, unless they say otherwise."""

import conformance  # noqa: F401 - sets the profile
