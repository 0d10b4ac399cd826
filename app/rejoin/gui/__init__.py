"""The player's window, on Qt: the picture, the cards over it, keyboard and mouse, and every text.

Nothing here knows WebRTC or the service. The window reads snapshots and pictures from a
`StreamPort` and posts what the player wants. Everything it shows is made from the newest snapshot
and the clock, again at each snapshot and several times a second.

Glossary:
    snapshot    What the engine lets the window show (`core.model.Snapshot`), an immutable value.
    stage       Where the player is: IDLE, STARTING, LIVE, LOST, RECONNECTING, ENDING, ENDED.
    face        What the window shows in one stage: a card, or the game with its notes.
    card        The panel in the middle of the dimmed picture: starting, reconnect or end card.
    pill        A short text on a dark ground in a corner: the badge, a note or a hint.
    notes       What the pills show now; a pure function of snapshot, clock and memory.
    layers      The picture and everything over it, one card at most.
    captured    The game has the mouse: the pointer is hidden and only its movement is sent.
    wish        What the input module wants of the window: the pointer, full screen, a cursor.
    armed       A card's buttons accept presses. Just after it has appeared they do not: those
                presses were meant for the game.
    settled     A button has visibly had the focus for half a second, so a key may press it.
    role        What a colour is for (`roles`); a theme is a colour for each.
    surface     What draws the picture: the processor or the graphics card (`video_surface`).
    port        The stream as the window sees it (`bridge.StreamPort`); the bridge is the only
                crossing between its threads and Qt's.

Read these files in this order: `bridge`, `main_window` (with `leaving` and `window_options`),
`layers`, `texts`, `time_texts`, `notes`, `reconnect_overlay` (with `card` and `ring`), `controls`
(with `control_options` and `shortcuts` and `window_shortcuts`), `input` (with `key_events` and
`keys_down`), `pointer` (with `mouse_capture` and `view_state`), `touch` (with `trackpad`),
`pad_keys` (with `focus_moves`, `pad_pointer`, `pad_texts`, `hand` and `own_pads`), `system_keys`,
`wayland` (with `wayland_client` and `wayland_wire`), `module_wishes`, `full_screen`, `video_view`
(with `video_surface`, `picture_layout`, `raster_surface` and `raster`; on the graphics card
`rhi_surface`, `card_drawing`, `yuv_colours` and `card_identity`; which of them, `renderer_choice`
and `surface_choice` with `card_api`, `surface_probe` and `surface_fallback`), `application` and
`qt_application` with `collector`; then the package `home`, the window around games. The rest is
small: `starting_card`, `confirmation`, `end_card` with `ending_texts`, `report` and `shared_text`,
`corners` with `pill`, `connection_test` with `connection_test_texts`, `reconnect_button`,
`announcer` with `announcement`, `sound_control`, `microphone_sign` with `microphone_texts`,
`stats_overlay`, `network_hint`, `displays` with `display_probe`, `platform_plugin`, `qt_loading`,
`theme` with `roles` and `system_motion`, `labels`, `button_row`, `accessible_roles`, `window_size`,
`front`, `screenshot`. Packages of their own: `settings`, `menu` over a running game, `practice`
for testers, and `guest`, what the window does to the player's desktop.
"""
