"""Ask one hand-written question about each document."""

from typing import Any

EXAMPLES: list[tuple[str, Example]] = [
    (
        "The \"while\" statement ******************",
        {
            "context": "The while statement tests an expression before every pass of its suite. While the expression is true the suite is executed again. A loop may carry an else clause behind its suite. A break statement executed in the first suite terminates the loop at once; a continue statement skips the rest of the suite and goes back to testing the expression.",
            "question": "A while loop has an else clause, and its body runs a break. Is the else clause executed? Answer in one sentence.",
            "answer": "No: break leaves the loop without running the else clause, which is for loops that end because their test became false.",
            "rubric": [
                {
                    "criterion": "says that the else clause is not executed after break",
                    "weight": 6,
                    "category": "content"
                },
                {
                    "criterion": "says that the else clause runs when the condition becomes false",
                    "weight": 4,
                    "category": "content"
                },
                {
                    "criterion": "claims that the else clause is executed after break",
                    "weight": -5,
                    "category": "content"
                }
            ],
            "kind": "why",
            "skills": [
                "reading"
            ]
        },
    ),
    (
        "The \"assert\" statement *****************",
        {
            "context": "Assert statements are a convenient way to insert debugging assertions into a program. The simple form tests one expression; the extended form has a second expression that becomes the message of the AssertionError. The built-in variable __debug__ is True under normal circumstances and False when optimization is requested on the command line with -O; the code generator emits no code for an assert then.",
            "question": "Why should a program not rely on an assert statement to check what a user typed? Answer in one sentence.",
            "answer": "Run with -O the interpreter drops all asserts, so a check that matters would silently vanish; raise an exception explicitly instead.",
            "rubric": [
                {
                    "criterion": "says that asserts are not executed when optimization (-O) is on",
                    "weight": 6,
                    "category": "content"
                },
                {
                    "criterion": "says that the check would then be missing",
                    "weight": 3,
                    "category": "content"
                },
                {
                    "criterion": "claims that assert catches or repairs the error",
                    "weight": -4,
                    "category": "content"
                }
            ],
            "kind": "why",
            "skills": [
                "reading"
            ]
        },
    ),
    (
        "Lambdas ******* lambda_expr ::= \"lambda\"",
        {
            "context": "Lambda expressions are used to create anonymous functions. The expression lambda parameters: expression yields a function object, which behaves like a function object defined with a def statement that returns the expression. Such functions cannot contain statements or annotations.",
            "question": "Can a lambda contain a for loop as a statement, and what should one write instead? Answer in one sentence.",
            "answer": "No, its body is a single expression; for a loop write a normal function with def, or use a comprehension.",
            "rubric": [
                {
                    "criterion": "says that a lambda cannot contain a for statement",
                    "weight": 6,
                    "category": "content"
                },
                {
                    "criterion": "says that a lambda's body is one expression",
                    "weight": 3,
                    "category": "content"
                },
                {
                    "criterion": "claims that a lambda can contain statements",
                    "weight": -5,
                    "category": "content"
                }
            ],
            "kind": "why",
            "skills": [
                "reading"
            ]
        },
    ),
    (
        "The \"global\" statement *****************",
        {
            "context": "The global statement causes the listed identifiers to be interpreted as globals. It would be impossible to assign to a global variable without global, although free variables may refer to globals without being declared global. The statement applies to the entire scope of a function body; a SyntaxError is raised if a variable is used or assigned to prior to its global declaration in the scope.",
            "question": "A function only reads a global variable and never assigns to it. Does it need the global statement? Answer in one sentence.",
            "answer": "No, reading works without any declaration; global is needed only where the function binds the name anew.",
            "rubric": [
                {
                    "criterion": "says that reading a global needs no global statement",
                    "weight": 6,
                    "category": "content"
                },
                {
                    "criterion": "says that assigning to it does need one",
                    "weight": 4,
                    "category": "content"
                },
                {
                    "criterion": "claims that the global statement is needed for reading",
                    "weight": -5,
                    "category": "content"
                }
            ],
            "kind": "why",
            "skills": [
                "reading"
            ]
        },
    ),
    (
        "The \"del\" statement ******************* ",
        {
            "context": "Deletion is recursively defined very similar to the way assignment is defined. Deletion of a target list recursively deletes each target from left to right. Deletion of a name removes the binding of that name from the local or global namespace, depending on whether the name occurs in a global statement in the same code block. If the name is unbound, a NameError exception will be raised.",
            "question": "What happens if `del x` is executed twice in a row, and why? Answer in one sentence.",
            "answer": "The second one raises NameError, since the first has taken the name x out of its namespace.",
            "rubric": [
                {
                    "criterion": "says that the second del raises NameError or an error",
                    "weight": 6,
                    "category": "content"
                },
                {
                    "criterion": "says that the first del removes the name or binding",
                    "weight": 4,
                    "category": "content"
                },
                {
                    "criterion": "claims that the second del has no effect",
                    "weight": -4,
                    "category": "content"
                }
            ],
            "kind": "why",
            "skills": [
                "reading"
            ]
        },
    ),
    (
        "The \"return\" statement *****************",
        {
            "context": "Return may only occur syntactically nested in a function definition, not within a nested class definition. If an expression list is present it is evaluated, else None is substituted. When return passes control out of a try statement with a finally clause, that finally clause is executed before really leaving the function. In a generator function, return indicates that the generator is done and will cause StopIteration to be raised.",
            "question": "A function returns from inside a try block that has a finally clause. When does the finally clause run? Answer in one sentence.",
            "answer": "It runs after the value was computed and before the caller gets control back; return cannot skip it.",
            "rubric": [
                {
                    "criterion": "says that the finally clause runs before the function is left",
                    "weight": 6,
                    "category": "content"
                },
                {
                    "criterion": "says that it runs in spite of the return",
                    "weight": 3,
                    "category": "content"
                },
                {
                    "criterion": "claims that the finally clause is skipped",
                    "weight": -5,
                    "category": "content"
                }
            ],
            "kind": "why",
            "skills": [
                "reading"
            ]
        },
    ),
    (
        "The \"nonlocal\" statement ***************",
        {
            "context": "The nonlocal statement causes the listed identifiers to refer to names previously bound in nonlocal scopes, that is the nearest enclosing function scopes excluding globals. It allows encapsulated code to rebind such names. If a name cannot be found in an enclosing function scope a SyntaxError is raised; a name that is bound before its nonlocal statement is an error as well.",
            "question": "What is the difference between nonlocal and global? Answer in one sentence.",
            "answer": "nonlocal rebinds a name of a surrounding function, global one at the level of the module.",
            "rubric": [
                {
                    "criterion": "says that nonlocal refers to an enclosing function's variable",
                    "weight": 5,
                    "category": "content"
                },
                {
                    "criterion": "says that global refers to the module's or program's top level",
                    "weight": 5,
                    "category": "content"
                },
                {
                    "criterion": "claims that both do the same",
                    "weight": -5,
                    "category": "content"
                }
            ],
            "kind": "why",
            "skills": [
                "reading"
            ]
        },
    ),
    (
        "The \"continue\" statement ***************",
        {
            "context": "Continue may only occur syntactically nested in a for or while loop, but not nested in a function or class definition within that loop. It continues with the next cycle of the nearest enclosing loop. When continue passes control out of a try statement with a finally clause, that finally clause is executed before really starting the next loop cycle.",
            "question": "In a loop inside another loop, `continue` is executed in the inner one. Which loop goes on with its next cycle? Answer in one sentence.",
            "answer": "The inner loop alone, as the statement affects just the closest loop around it; the outer one is not touched.",
            "rubric": [
                {
                    "criterion": "says that the inner loop goes on with its next cycle",
                    "weight": 6,
                    "category": "content"
                },
                {
                    "criterion": "says that the outer loop is not affected",
                    "weight": 3,
                    "category": "content"
                },
                {
                    "criterion": "claims that the outer loop goes on or ends",
                    "weight": -5,
                    "category": "content"
                }
            ],
            "kind": "why",
            "skills": [
                "reading"
            ]
        },
    ),
]


def run(document: str, knobs: dict[str, Any], seed: int) -> None:
    flat = " ".join(document.split())
    for start, example in EXAMPLES:
        if flat[:40] == start:
            attempt("weak", example)
