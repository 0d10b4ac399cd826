"""The service's REST API (rest-json, SigV4) over the emulated service, good enough for boto3.

Read in this order: `app` (from an HTTP request to its response), `operations` (what each operation
does), `aws_model` (botocore's own model of the service: routes, validation, JSON), `signature`
(SigV4), `throttle`, `armed_faults` (injected faults), `errors` (the HTTP form of every error).

Glossary
- operation: one call of the service, by AWS's name (StartStreamSession).
- shape: botocore's description of a request, a response or a part of one.
- parameters: a request's members by AWS's names, validated.
- refusal: an error of the service's model (`service/refusals`), such as ConflictException.
- HTTP error: an error before an operation is reached, such as a wrong signature.
"""
