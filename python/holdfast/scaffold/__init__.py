"""The files of a task, written from its declaration in the var `holdfast_tasks`."""

from holdfast.scaffold._files import (
    ScaffoldError,
    TaskFiles,
    describe_task_files,
    plan_task,
    write_task_files,
)

__all__ = ["ScaffoldError", "TaskFiles", "describe_task_files", "plan_task", "write_task_files"]
