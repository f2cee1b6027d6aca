"""`zoo studio`: the browser editor, a plain HTML page with a server on Starlette and uvicorn.

Painting masks in the browser requires drawing of class ids without anti-aliasing, selection, undo and keyboard access,
none of which Gradio's image editor supports. This package is the server.

- ``launch``: start; ``server``: routes; ``host_guard``: protection against cross-origin requests.
- ``requests``: bodies and fields of requests, checked; ``wire``: pictures in requests and answers.
- ``edit_actions``, ``file_actions``: what the page can do; ``scene``: the mask with codes that an action starts from.
- ``studio_state``: models, examples, stored codes; ``store``: codes and pictures by handle; ``worker``: the thread that
  runs the networks.
- ``models``: checkpoints; ``examples``: example pictures; ``training``: a toy model for users without a checkpoint, in
  a process that ``subprocess_guard`` ends with the studio.
"""
