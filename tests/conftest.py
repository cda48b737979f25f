"""Settings of the package's own tests."""

import hypothesis

# A busy machine makes one example slow, which says nothing about the code.
hypothesis.settings.register_profile("course", deadline=None)
hypothesis.settings.load_profile("course")
