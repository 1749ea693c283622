"""Errors of the local stack. Each message is written for the person who started it.

LocalStackError
├── TemplateError   the template cannot be deployed locally
├── StartError      a server did not start
├── PlanError       the fault plan is invalid
├── DeployError     the stack could not be created
└── StackError      the stack cannot run, or ended by itself
"""


class LocalStackError(Exception):
    pass


class TemplateError(LocalStackError):
    pass


class StartError(LocalStackError):
    pass


class PlanError(LocalStackError):
    pass


class DeployError(LocalStackError):
    pass


class StackError(LocalStackError):
    pass
