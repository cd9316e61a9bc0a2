"""Who gets what: the tables of `test_rights_matrix`. The columns are PEOPLE, in that order."""

PEOPLE = (
    *("anonymous", "stranger", "former", "artist", "colleague"),
    *("reviewer", "lead", "keeper", "boss"),
)
"""`stranger` leads a project of other people and is staff. `former` was a member and asked for a
take of their own, which is the one that they try. All others try the take of `artist`, which is in
review. `lead` leads its project and is staff, `keeper` is staff who may change devices and nothing
else, `boss` is a superuser."""

PAGES = """
GET   /                            login     yes       yes       yes       yes       yes       yes       yes       yes
GET   /login/                      yes       yes       yes       yes       yes       yes       yes       yes       yes
POST  /logout/                     login     login     login     login     login     login     login     login     login
GET   /projects/                   login     yes       yes       yes       yes       yes       yes       yes       yes
GET   /projects/{project}/         login     404       404       yes       yes       yes       yes       404       yes
GET   /projects/{project}/{shot}/  login     404       404       yes       yes       yes       yes       404       yes
GET   /render/                     login     yes       yes       yes       yes       yes       yes       yes       yes
POST  /render/                     login     yes       yes       yes       yes       yes       yes       yes       yes
POST  /render/estimate/            login     yes       yes       yes       yes       yes       yes       yes       yes
GET   /jobs/{job}/                 login     404       yes       yes       yes       yes       yes       404       yes
POST  /jobs/{job}/cancel/          login     404       403       yes       403       403       yes       404       yes
POST  /jobs/{job}/retry/           login     404       403       yes       403       403       yes       404       yes
POST  /jobs/{job}/priority/        login     404       403       yes       403       403       yes       404       yes
POST  /jobs/{job}/hold/            login     404       403       yes       403       403       yes       404       yes
POST  /jobs/{job}/release/         login     404       403       yes       403       403       yes       404       yes
POST  /jobs/{job}/front/           login     404       403       yes       403       403       yes       404       yes
POST  /jobs/{job}/clone/           login     404       403       yes       403       403       yes       404       yes
POST  /queue/act/                  login     404       403       yes       403       403       yes       404       yes
GET   /queue/mine/                 login     yes       yes       yes       yes       yes       yes       yes       yes
GET   /queue/changeable/           login     yes       yes       yes       yes       yes       yes       yes       yes
POST  /devices/{device}/pause/     login     403       403       403       403       403       403       yes       yes
POST  /devices/{device}/calibrate/ login     403       403       403       403       403       403       yes       yes
GET   /takes/{take}/               login     404       404       yes       yes       yes       yes       404       yes
POST  /takes/{take}/review/        login     404       404       yes       yes       yes       yes       404       yes
POST  /takes/{take}/withdraw/      login     404       404       yes       403       403       yes       404       yes
POST  /takes/{take}/approve/       login     404       404       403       403       yes       yes       404       yes
POST  /takes/{take}/changes/       login     404       404       403       403       yes       yes       404       yes
POST  /takes/{take}/enhance/       login     404       404       yes       yes       yes       yes       404       yes
POST  /takes/{take}/delete/        login     404       404       yes       403       403       yes       404       yes
GET   /trash/                      login     yes       yes       yes       yes       yes       yes       yes       yes
POST  /trash/{deleted}/restore/    login     404       404       yes       404       404       yes       404       yes
POST  /trash/{deleted}/free/       login     404       404       yes       404       404       yes       404       yes
GET   /reviews/                    login     yes       yes       yes       yes       yes       yes       yes       yes
GET   /gallery/                    login     yes       yes       yes       yes       yes       yes       yes       yes
GET   /accuracy/                   login     yes       yes       yes       yes       yes       yes       yes       yes
GET   /tokens/                     login     yes       yes       yes       yes       yes       yes       yes       yes
POST  /tokens/                     login     yes       yes       yes       yes       yes       yes       yes       yes
POST  /tokens/{token}/revoke/      login     404       404       yes       404       404       404       404       404
GET   /outputs/{output}/           401       404       yes       yes       yes       yes       yes       404       yes
GET   /outputs/{output}/thumbnail/ 401       404       yes       yes       yes       yes       yes       404       yes
GET   /outputs/{output}/strip/     401       404       yes       yes       yes       yes       yes       404       yes
GET   /references/{reference}/     login     404       404       yes       yes       yes       yes       404       yes
GET   /metrics                     401       yes       403       403       403       403       yes       yes       yes
GET   /healthz                     yes       yes       yes       yes       yes       yes       yes       yes       yes
GET   /favicon.ico                 yes       yes       yes       yes       yes       yes       yes       yes       yes
"""

CALLS = """
POST  /api/anime/generate                                           401       403       403       yes       yes       yes       yes       403       yes
GET   /api/anime/estimate?type=image&prompt=1girl&project={project} 401       403       403       yes       yes       yes       yes       403       yes
POST  /api/anime/outputs/{output}/enhance                           401       403       403       yes       yes       yes       yes       403       yes
GET   /api/anime/jobs?project={project}                             401       403       403       yes       yes       yes       yes       403       yes
GET   /api/anime/models                                             401       yes       yes       yes       yes       yes       yes       yes       yes
GET   /api/anime/styles                                             401       yes       yes       yes       yes       yes       yes       yes       yes
GET   /api/anime/characters                                         401       yes       yes       yes       yes       yes       yes       yes       yes
GET   /api/anime/projects                                           401       yes       yes       yes       yes       yes       yes       yes       yes
GET   /api/anime/shots?project={project}                            401       403       403       yes       yes       yes       yes       403       yes
GET   /api/anime/jobs/{job}                                         401       403       yes       yes       yes       yes       yes       403       yes
PATCH /api/anime/jobs/{job}                                         401       403       403       yes       403       403       yes       403       yes
POST  /api/anime/jobs/{job}/clone                                   401       403       403       yes       403       403       yes       403       yes
POST  /api/anime/jobs/{job}/cancel                                  401       403       403       yes       403       403       yes       403       yes
POST  /api/anime/jobs/{job}/hold                                    401       403       403       yes       403       403       yes       403       yes
POST  /api/anime/jobs/{job}/release                                 401       403       403       yes       403       403       yes       403       yes
POST  /api/anime/jobs/{job}/retry                                   401       403       403       yes       403       403       yes       403       yes
DELETE /api/anime/jobs/{job}                                         401       403       403       yes       403       403       yes       403       yes
POST  /api/anime/jobs/{deleted}/restore                             401       404       404       yes       404       404       yes       404       yes
POST  /api/anime/jobs/cancel                                        401       403       403       yes       403       403       yes       403       yes
GET   /api/anime/queue                                              401       yes       yes       yes       yes       yes       yes       yes       yes
"""

ADMIN = """
GET   /admin/                                   login     yes       login     login     login     login     yes       yes       yes
GET   /admin/auth/group/                        login     403       login     login     login     login     403       403       yes
GET   /admin/auth/user/                         login     403       login     login     login     login     403       403       yes
GET   /admin/auth/user/add/                     login     403       login     login     login     login     403       403       yes
GET   /admin/generation/attempt/                login     yes       login     login     login     login     yes       403       yes
GET   /admin/generation/device/                 login     403       login     login     login     login     403       yes       yes
GET   /admin/generation/device/{device}/change/ login     403       login     login     login     login     403       yes       yes
GET   /admin/generation/job/                    login     yes       login     login     login     login     yes       403       yes
GET   /admin/generation/job/{job}/change/       login     404       login     login     login     login     yes       403       yes
GET   /admin/generation/jobevent/               login     yes       login     login     login     login     yes       403       yes
GET   /admin/generation/modelcard/              login     403       login     login     login     login     403       403       yes
GET   /admin/generation/modelcard/add/          login     403       login     login     login     login     403       403       403
GET   /admin/generation/output/                 login     yes       login     login     login     login     yes       403       yes
GET   /admin/generation/output/{output}/change/ login     404       login     login     login     login     yes       403       yes
GET   /admin/studio/apitoken/                   login     403       login     login     login     login     403       403       yes
GET   /admin/studio/apitoken/{token}/change/    login     403       login     login     login     login     403       403       yes
GET   /admin/studio/character/                  login     yes       login     login     login     login     yes       403       yes
GET   /admin/studio/character/add/              login     yes       login     login     login     login     yes       403       yes
GET   /admin/studio/project/                    login     yes       login     login     login     login     yes       403       yes
GET   /admin/studio/project/add/                login     403       login     login     login     login     403       403       yes
GET   /admin/studio/review/                     login     yes       login     login     login     login     yes       403       yes
GET   /admin/studio/shot/                       login     yes       login     login     login     login     yes       403       yes
GET   /admin/studio/shot/add/                   login     yes       login     login     login     login     yes       403       yes
GET   /admin/studio/style/                      login     yes       login     login     login     login     yes       403       yes
GET   /admin/studio/style/add/                  login     yes       login     login     login     login     yes       403       yes
GET   /admin/studio/take/                       login     yes       login     login     login     login     yes       403       yes
GET   /admin/studio/take/{take}/change/         login     404       login     login     login     login     yes       403       yes
"""

SOCKETS = """
WS    /ws/live/queue/             4403      yes       yes       yes       yes       yes       yes       yes       yes
WS    /ws/live/project/{project}/ 4403      4403      4403      yes       yes       yes       yes       4403      yes
WS    /ws/live/job/{job}/         4403      4403      yes       yes       yes       yes       yes       4403      yes
WS    /ws/live/person/            4403      yes       yes       yes       yes       yes       yes       yes       yes
WS    /ws/jobs/{job}/             4403      4404      yes       yes       yes       yes       yes       4404      yes
WS    /ws/nowhere/                4404      4404      4404      4404      4404      4404      4404      4404      4404
"""
