"""OTLP over HTTP: spans for whatever understands OpenTelemetry (Phoenix, Weave, LangSmith, collectors).

`protobuf` packs spans, `genai` says what they are in the words of OpenTelemetry's conventions for generative AI, `phoenix` adds
those of OpenInference, and `target` sends them.
"""

from workbench.observe.sync.otlp.target import OtlpTarget

__all__ = ["OtlpTarget"]
