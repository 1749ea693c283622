"""What can go wrong with the local stack; each message is for the person who started it.

LocalStackError
├── TemplateError   the template cannot be deployed locally
├── StartError      a server did not start
├── PlanError       the fault plan is wrong
├── DeployError     the stack could not be created
└── StackError      the stack cannot run, or has ended by itself
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
