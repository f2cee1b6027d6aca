"""`zoo studio`: editing in the browser, with a page of plain HTML over a server on Starlette and uvicorn.

Masks are painted by hand, so class ids must be drawn without anti-aliasing, selected, undone and reached by keyboard,
all in the browser; Gradio's image editor does none of this. This package is the server.

- ``launch``: start; ``server``: routes; ``host_guard``: protection against requests of other sites' pages.
- ``requests``: bodies and fields of requests, checked; ``wire``: pictures in requests and answers.
- ``edit_actions``, ``file_actions``: what the page can do; ``scene``: the mask with codes that an action starts from.
- ``studio_state``: models, examples, stored codes; ``store``: codes and pictures by handle; ``worker``: the thread that
  runs the networks.
- ``models``: checkpoints; ``examples``: example pictures; ``training``: a toy model for users without a checkpoint, in
  a process that ``subprocess_guard`` ends with the studio.
"""
