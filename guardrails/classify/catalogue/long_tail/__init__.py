"""Operations of other services that end something as a whole; see guardrails.classify.catalogue."""
