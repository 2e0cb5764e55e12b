SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE FUNCTION public.journal_only_grows() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'the journal only grows'; END $$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.account_codes (
    account text NOT NULL,
    code text NOT NULL
);
CREATE TABLE public.accounts (
    name text NOT NULL,
    password text NOT NULL,
    roles text NOT NULL,
    totp bytea,
    totp_key text NOT NULL,
    totp_step bigint NOT NULL,
    must_change boolean NOT NULL,
    disabled boolean NOT NULL,
    origin text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    created_by text NOT NULL,
    signed_in_at timestamp with time zone
);
CREATE TABLE public.alarm_notes (
    number bigint NOT NULL,
    id text NOT NULL,
    way text NOT NULL,
    kind text NOT NULL,
    key text NOT NULL,
    at timestamp with time zone NOT NULL,
    body text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    attempts integer NOT NULL,
    sent_at timestamp with time zone,
    reason text NOT NULL
);
CREATE SEQUENCE public.alarm_notes_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.alarm_notes_number_seq OWNED BY public.alarm_notes.number;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.anchors (
    last bigint NOT NULL,
    first bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    statement text NOT NULL,
    signature bytea NOT NULL,
    signer text NOT NULL,
    stamp bytea
);
CREATE TABLE public.answers (
    number bigint NOT NULL,
    id text NOT NULL,
    source text NOT NULL,
    format text NOT NULL,
    event text NOT NULL,
    subject text NOT NULL,
    file_id text NOT NULL,
    report_id text NOT NULL,
    at timestamp with time zone NOT NULL,
    detail text NOT NULL,
    state text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    attempts integer NOT NULL,
    sent_at timestamp with time zone,
    bundle text NOT NULL,
    reason text NOT NULL,
    token text NOT NULL
);
CREATE SEQUENCE public.answers_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.answers_number_seq OWNED BY public.answers.number;
CREATE TABLE public.batch_members (
    batch_id text NOT NULL,
    dispatch_id text NOT NULL,
    joined_at timestamp with time zone NOT NULL
);
CREATE TABLE public.batches (
    id text NOT NULL,
    channel text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    reason text NOT NULL,
    count integer NOT NULL,
    size bigint NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    ended_at timestamp with time zone,
    pause_reason text DEFAULT ''::text NOT NULL,
    actor text DEFAULT ''::text NOT NULL,
    why text DEFAULT ''::text NOT NULL,
    token text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.bulk_items (
    send_id text NOT NULL,
    "position" integer NOT NULL,
    file_id text NOT NULL
);
CREATE TABLE public.bulk_sends (
    id text NOT NULL,
    digest text NOT NULL,
    place text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    files integer NOT NULL,
    count integer NOT NULL
);
CREATE TABLE public.console_sessions (
    digest text NOT NULL,
    account text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    idle_until timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    address text NOT NULL
);
CREATE TABLE public.destinations (
    channel text NOT NULL,
    domain text NOT NULL,
    free_at timestamp with time zone,
    state text NOT NULL,
    failures integer NOT NULL,
    notices integer NOT NULL,
    openings integer NOT NULL,
    probe_at timestamp with time zone,
    probe text DEFAULT ''::text NOT NULL,
    reason text NOT NULL
);
CREATE TABLE public.digests (
    number bigint NOT NULL,
    id text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    count integer NOT NULL,
    told_at timestamp with time zone,
    told boolean NOT NULL
);
CREATE SEQUENCE public.digests_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.digests_number_seq OWNED BY public.digests.number;
CREATE TABLE public.dispatches (
    id text NOT NULL,
    report_id text NOT NULL,
    chain text NOT NULL,
    version integer NOT NULL,
    state text NOT NULL,
    recipient_key text NOT NULL,
    role text NOT NULL,
    label text NOT NULL,
    recipient_id text NOT NULL,
    recipient_id_type text NOT NULL,
    address text NOT NULL,
    domain text NOT NULL,
    channel text NOT NULL,
    format text NOT NULL,
    envelope text NOT NULL,
    certificate text NOT NULL,
    signer text NOT NULL,
    message_id text NOT NULL,
    envid text NOT NULL,
    sealed_sha256 text NOT NULL,
    sealed_bytes bigint NOT NULL,
    lane smallint NOT NULL,
    batch_id text NOT NULL,
    attempts integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone,
    sent_at timestamp with time zone,
    delivered_at timestamp with time zone,
    read_at timestamp with time zone,
    submitting_since timestamp with time zone,
    lease_owner text NOT NULL,
    lease_until timestamp with time zone,
    fence bigint NOT NULL,
    hold_code text NOT NULL,
    reason text NOT NULL,
    reply text NOT NULL,
    decision text NOT NULL,
    search text NOT NULL,
    unknown_since timestamp with time zone,
    resend_of text DEFAULT ''::text NOT NULL,
    replayed_from text DEFAULT ''::text NOT NULL,
    replayed_fence bigint DEFAULT '0'::bigint NOT NULL,
    replayed_attempts integer DEFAULT 0 NOT NULL,
    printed_at timestamp with time zone,
    fault text DEFAULT ''::text NOT NULL,
    escalate_at timestamp with time zone,
    escalation integer DEFAULT 0 NOT NULL,
    pauses integer DEFAULT 0 NOT NULL,
    doubted_at timestamp with time zone,
    returns integer DEFAULT 0 NOT NULL,
    renditions text DEFAULT ''::text NOT NULL,
    climb_at timestamp with time zone,
    rung integer DEFAULT 0 NOT NULL,
    acknowledged_at timestamp with time zone
);
CREATE TABLE public.figures (
    day text NOT NULL,
    channel text NOT NULL,
    address text NOT NULL,
    domain text NOT NULL,
    label text NOT NULL,
    made integer NOT NULL,
    sent integer NOT NULL,
    read integer NOT NULL,
    failed integer NOT NULL,
    detail text NOT NULL
);
CREATE TABLE public.figures_domains (
    day text NOT NULL,
    channel text NOT NULL,
    domain text NOT NULL,
    detail text NOT NULL
);
CREATE TABLE public.figures_head (
    id smallint NOT NULL,
    number bigint NOT NULL,
    CONSTRAINT ck_figures_head_one_row CHECK ((id = 1))
);
CREATE TABLE public.files (
    id text NOT NULL,
    source text NOT NULL,
    names bytea NOT NULL,
    names_key text NOT NULL,
    path_hash text NOT NULL,
    size bigint NOT NULL,
    mtime_ns bigint NOT NULL,
    sha256 text NOT NULL,
    state text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    format text NOT NULL,
    reason text NOT NULL,
    duplicate_of text NOT NULL,
    removed boolean NOT NULL,
    returns integer NOT NULL,
    lease_owner text NOT NULL,
    lease_until timestamp with time zone,
    lane smallint DEFAULT '1'::smallint NOT NULL,
    purged_at timestamp with time zone
);
CREATE TABLE public.gaps (
    id text NOT NULL,
    kind text NOT NULL,
    source text NOT NULL,
    code text NOT NULL,
    label text NOT NULL,
    unit text NOT NULL,
    specimen text NOT NULL,
    text text NOT NULL,
    reason text NOT NULL,
    count bigint NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL
);
CREATE TABLE public.heard (
    channel text NOT NULL,
    at timestamp with time zone NOT NULL
);
CREATE TABLE public.incidents (
    key text NOT NULL,
    code text NOT NULL,
    level text NOT NULL,
    text text NOT NULL,
    hint text NOT NULL,
    count integer NOT NULL,
    stage integer NOT NULL,
    began_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    told_at timestamp with time zone,
    said_at timestamp with time zone,
    told_count integer NOT NULL,
    told_stage integer NOT NULL,
    reminders integer NOT NULL,
    gone_at timestamp with time zone,
    over_at timestamp with time zone,
    flaps integer NOT NULL,
    acked_at timestamp with time zone,
    acked_by text NOT NULL,
    ack_why text NOT NULL
);
CREATE TABLE public.installation (
    id smallint NOT NULL,
    store_id text NOT NULL,
    backup_at timestamp with time zone,
    restored_at timestamp with time zone,
    journal_number bigint NOT NULL,
    CONSTRAINT ck_installation_one_row CHECK ((id = 1))
);
CREATE TABLE public.journal (
    number bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    subject text NOT NULL,
    event text NOT NULL,
    actor text NOT NULL,
    detail text NOT NULL,
    previous text NOT NULL,
    digest text NOT NULL
);
CREATE TABLE public.journal_head (
    id smallint NOT NULL,
    number bigint NOT NULL,
    digest text NOT NULL,
    CONSTRAINT ck_journal_head_one_row CHECK ((id = 1))
);
CREATE TABLE public.ladder_steps (
    dispatch_id text NOT NULL,
    step integer NOT NULL,
    rung text NOT NULL,
    at timestamp with time zone NOT NULL,
    digest text NOT NULL,
    note text NOT NULL
);
CREATE TABLE public.mails_aside (
    channel text NOT NULL,
    uid text NOT NULL,
    at timestamp with time zone NOT NULL
);
CREATE TABLE public.named_leases (
    name text NOT NULL,
    owner text NOT NULL,
    node text NOT NULL,
    until timestamp with time zone,
    fence bigint NOT NULL
);
CREATE TABLE public.nodes (
    id text NOT NULL,
    name text NOT NULL,
    host text NOT NULL,
    pid bigint NOT NULL,
    version text NOT NULL,
    revision text NOT NULL,
    workers integer NOT NULL,
    started_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    skew double precision NOT NULL,
    wanted text NOT NULL,
    process text NOT NULL,
    digests text NOT NULL
);
CREATE TABLE public.oppositions (
    id text NOT NULL,
    key text NOT NULL,
    scope text NOT NULL,
    kind text NOT NULL,
    added_at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    note text NOT NULL
);
CREATE TABLE public.pace (
    scope text NOT NULL,
    paused boolean NOT NULL,
    paused_until timestamp with time zone,
    pause_reason text NOT NULL,
    slots text,
    seconds double precision,
    first_at timestamp with time zone,
    boot text DEFAULT ''::text NOT NULL,
    boot_seconds double precision
);
CREATE TABLE public.payloads (
    owner text NOT NULL,
    kind text NOT NULL,
    name bytea,
    key_id text NOT NULL,
    packed boolean NOT NULL,
    size bigint NOT NULL,
    content bytea NOT NULL
);
CREATE TABLE public.print_members (
    run_id text NOT NULL,
    dispatch_id text NOT NULL
);
CREATE TABLE public.print_runs (
    id text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    count integer NOT NULL,
    sha256 text NOT NULL,
    why text NOT NULL,
    printed_at timestamp with time zone
);
CREATE TABLE public.receipt_support (
    channel text NOT NULL,
    scope text NOT NULL,
    name text NOT NULL,
    delivered_at timestamp with time zone,
    relayed_at timestamp with time zone,
    read_at timestamp with time zone,
    silent integer NOT NULL,
    unread integer NOT NULL
);
CREATE TABLE public.receipt_sweeps (
    channel text NOT NULL,
    until timestamp with time zone NOT NULL
);
CREATE TABLE public.receipts (
    id text NOT NULL,
    dispatch_id text NOT NULL,
    kind text NOT NULL,
    action text NOT NULL,
    status text NOT NULL,
    code text NOT NULL,
    at timestamp with time zone NOT NULL,
    digest text NOT NULL,
    channel text NOT NULL,
    note text NOT NULL,
    to_read boolean DEFAULT false NOT NULL,
    dealt_at timestamp with time zone,
    dealt_by text DEFAULT ''::text NOT NULL,
    dealt_why text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.reference (
    number bigint NOT NULL,
    kind text NOT NULL,
    version text NOT NULL,
    content bytea NOT NULL,
    accepted_at timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.reference_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.reference_number_seq OWNED BY public.reference.number;
CREATE TABLE public.reports (
    id text NOT NULL,
    file_id text NOT NULL,
    "position" integer NOT NULL,
    chain text NOT NULL,
    version integer NOT NULL,
    fingerprint text NOT NULL,
    document_id text NOT NULL,
    set_id text NOT NULL,
    replaces text NOT NULL,
    status text NOT NULL,
    order_filler text NOT NULL,
    order_placer text NOT NULL,
    laboratory text NOT NULL,
    patient_hash text NOT NULL,
    reported_at text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    superseded boolean NOT NULL
);
CREATE TABLE public.sign_ins (
    key text NOT NULL,
    count integer NOT NULL,
    at timestamp with time zone NOT NULL,
    until timestamp with time zone
);
CREATE TABLE public.signs (
    name text NOT NULL,
    at timestamp with time zone NOT NULL,
    note text NOT NULL
);
CREATE TABLE public.tallies (
    kind text NOT NULL,
    channel text NOT NULL,
    state text NOT NULL,
    shard integer NOT NULL,
    count bigint NOT NULL
);
ALTER TABLE ONLY public.alarm_notes ALTER COLUMN number SET DEFAULT nextval('public.alarm_notes_number_seq'::regclass);
ALTER TABLE ONLY public.answers ALTER COLUMN number SET DEFAULT nextval('public.answers_number_seq'::regclass);
ALTER TABLE ONLY public.digests ALTER COLUMN number SET DEFAULT nextval('public.digests_number_seq'::regclass);
ALTER TABLE ONLY public.reference ALTER COLUMN number SET DEFAULT nextval('public.reference_number_seq'::regclass);
INSERT INTO public.alembic_version VALUES ('0004');
INSERT INTO public.batch_members VALUES ('L1', 'D5', '2026-03-11 09:05:00+00');
INSERT INTO public.batches VALUES ('L1', 'mss', '2026-03-11 09:05:00+00', 'tick', 1, 1000, 'open', NULL, '', '', '', '');
INSERT INTO public.dispatches VALUES ('D3', 'C2', 'chaine1', 1, 'sent', 'RPPS:10001234567', 'prescriber', 'Dr Hélène Œillet', '10001234567', 'RPPS', 'helene.oeillet@dest.test', 'dest.test', 'mss', '', '', '', '', '<m3@labo.test>', 'env3', '', 1000, 1, '', 1, '2026-03-11 09:00:00.003+00', NULL, '2026-03-11 09:00:00+00', NULL, NULL, NULL, '', NULL, 1, '', '', '250 2.0.0 accepté', '{"n":1,"trace":[{"rule":"rpps","text":"Trouvé dans l''annuaire"}]}', 'dr helene oeillet
helene.oeillet@dest.test
10001234567', NULL, '', '', 0, 0, NULL, '', NULL, 0, 0, NULL, 0, '', '2026-03-11 09:00:00+00', 0, NULL);
INSERT INTO public.dispatches VALUES ('D4', 'C2', 'chaine1', 1, 'unknown', 'RPPS:2', 'prescriber', 'Dr Paul Durand', '10001234567', 'RPPS', 'helene.oeillet@dest.test', 'dest.test', 'mss', '', '', '', '', '<m4@labo.test>', 'env4', '', 1000, 1, '', 1, '2026-03-11 09:00:00.004+00', NULL, NULL, NULL, NULL, NULL, '', NULL, 1, '', 'Le programme s''est arrêté pendant la remise : accepté ou non par l''opérateur, impossible à dire d''ici. Un accusé le dira ; sinon, trancher à la main (rejouer ou clore).', '', '{"n":1,"trace":[{"rule":"rpps","text":"Trouvé dans l''annuaire"}]}', 'dr paul durand
helene.oeillet@dest.test
10001234567', '2026-03-11 09:05:00+00', '', '', 0, 0, NULL, '', NULL, 0, 0, NULL, 0, '', NULL, 0, NULL);
INSERT INTO public.dispatches VALUES ('D7', 'C5', 'chain6', 1, 'queued', 'RPPS:10001234567', 'prescriber', 'Dr Hélène Œillet', '10001234567', 'RPPS', 'helene.oeillet@dest.test', 'dest.test', 'mss', '', '', '', '', '<m7@labo.test>', 'env7', '', 1000, 1, '', 0, '2026-03-11 09:05:00.007+00', NULL, NULL, NULL, NULL, NULL, '', NULL, 0, '', '', '', '{"n":1,"trace":[{"rule":"rpps","text":"Trouvé dans l''annuaire"}]}', 'dr helene oeillet
helene.oeillet@dest.test
10001234567', NULL, '', '', 0, 0, NULL, '', NULL, 0, 0, NULL, 0, '', NULL, 0, NULL);
INSERT INTO public.files VALUES ('F1', 'sil', '\x015a7065ac7ab6ff01be558971299c7587c525a5e9137c3a1c30de74d2fbc7144d7c44d5874e72fbf0dfc3371a23d37d33613cc6452aed8e881ae2db7965ef570c', 'k2', 'eb0a6ba92e1df5a5f78dc74f0b038a50d82ad84829ff6fb7505ecaa17e4f5fc7', 100, 1700000000123456789, '0000000000000000000000000000000000000000000000000000000000000001', 'done', '2026-03-11 09:00:00.001+00', '', '', '', true, 0, '', NULL, 1, NULL);
INSERT INTO public.files VALUES ('F6', 'sil', '\x010ae2dc6b71b7b329eaa8c8c8430ff21872b66b1f6ba78d7cd9be31c90ff0a7cca3da89cee4a7d4356b0bb57130caf936afe41365848d379ce7d5f5be144733706dbf689488ccbf5bf09496f67166f9fd7e8e', 'k2', '215da7ccdefb893be883d461dd7b77d97c258df4754065e6fe63ee165ddbf882', 100, 1700000000123456789, '0000000000000000000000000000000000000000000000000000000000000006', 'received', '2026-03-11 09:05:00.006+00', '', '', '', false, 0, '', NULL, 1, NULL);
INSERT INTO public.gaps VALUES ('4ab290e7aafd8470e6e795d2e00c601d5aed3f4ef1f89a70d0ef64a6d5cb9d0a', 'code', 'sil', 'GLU', 'Glycémie', '', '', '', '', 1, '2026-03-11 09:05:00+00', '2026-03-11 09:05:00+00');
INSERT INTO public.journal VALUES (1, '2026-03-11 09:00:00+00', 'P1', 'opposition.added', 'eve', '{"kind":"ins","scope":"patient"}', '0000000000000000000000000000000000000000000000000000000000000000', '06b7743bbae5b8da3caf6038cd3e4dff3df29a4638a3b711479b95a4a6bd1c93');
INSERT INTO public.journal VALUES (2, '2026-03-11 09:00:00+00', 'F1', 'file.read', 'daemon', '{"duplicate_of":"","reason":"","sha256":"0000000000000000000000000000000000000000000000000000000000000001","size":100,"source":"sil"}', '06b7743bbae5b8da3caf6038cd3e4dff3df29a4638a3b711479b95a4a6bd1c93', 'b77f9838d405b48b986cd13ad1a9ae1b6d548f82ed294d1ceae0afc3a7073baa');
INSERT INTO public.journal VALUES (3, '2026-03-11 09:00:00+00', 'F1', 'file.done', 'daemon', '{"from":"read","reason":""}', 'b77f9838d405b48b986cd13ad1a9ae1b6d548f82ed294d1ceae0afc3a7073baa', 'a011acb876cc8d3696ad74cff8c45605f152036f4e3e93f8c6d64f020b1382a3');
INSERT INTO public.journal VALUES (4, '2026-03-11 09:00:00+00', 'C2', 'report.added', 'daemon', '{"chain":"chaine1","document_id":"doc2","file_id":"F1","fingerprint":"print2","replaces":"","status":"final","version":1}', 'a011acb876cc8d3696ad74cff8c45605f152036f4e3e93f8c6d64f020b1382a3', '30d9ad37efdaf335123c5963fb64c1a6ad22207a601ef91c831df670c7278a76');
INSERT INTO public.journal VALUES (5, '2026-03-11 09:00:00+00', 'D3', 'dispatch.added', 'daemon', '{"address":"helene.oeillet@dest.test","channel":"mss","envid":"env3","lane":"routine","message_id":"<m3@labo.test>","recipient_id":"10001234567","report_id":"C2","state":"queued","version":1}', '30d9ad37efdaf335123c5963fb64c1a6ad22207a601ef91c831df670c7278a76', '6ec90a34d4cc280c35941274c011fbd42f9d215ac01a1d3092f3220633b83d99');
INSERT INTO public.journal VALUES (6, '2026-03-11 09:00:00+00', 'D4', 'dispatch.added', 'daemon', '{"address":"helene.oeillet@dest.test","channel":"mss","envid":"env4","lane":"routine","message_id":"<m4@labo.test>","recipient_id":"10001234567","report_id":"C2","state":"queued","version":1}', '6ec90a34d4cc280c35941274c011fbd42f9d215ac01a1d3092f3220633b83d99', '95dd9a9db240f8faee19460a37be6b4e1876d367010cdbb6740a86c7f30763a5');
INSERT INTO public.journal VALUES (7, '2026-03-11 09:00:00+00', 'D3', 'dispatch.sending', 'daemon', '{"fence":1,"from":"queued","owner":"w1"}', '95dd9a9db240f8faee19460a37be6b4e1876d367010cdbb6740a86c7f30763a5', '0b4ac27a6c5b4ded21a289fab41dd0858bbbe7d62e422655f27d2b0334a7fe8f');
INSERT INTO public.journal VALUES (8, '2026-03-11 09:00:00+00', 'D4', 'dispatch.sending', 'daemon', '{"fence":1,"from":"queued","owner":"w1"}', '0b4ac27a6c5b4ded21a289fab41dd0858bbbe7d62e422655f27d2b0334a7fe8f', '07e87929080f793354ff97210631c7e3ece9eedcfeb33f549ed20d886a3d6eea');
INSERT INTO public.journal VALUES (9, '2026-03-11 09:00:00+00', 'D3', 'dispatch.sent', 'daemon', '{"attempts":1,"from":"sending","reply":"250 2.0.0 accepté"}', '07e87929080f793354ff97210631c7e3ece9eedcfeb33f549ed20d886a3d6eea', '9bca5514c05155d64d32864a219c3b08b05628bbfb332e81a4d016c98c0aacf1');
INSERT INTO public.journal VALUES (10, '2026-03-11 09:00:00+00', 'D3', 'receipt.smtp', 'daemon', '{"action":"","code":"","digest":"aa","note":"","receipt":"R1","status":"2.0.0"}', '9bca5514c05155d64d32864a219c3b08b05628bbfb332e81a4d016c98c0aacf1', 'af9e641c090bdcc48055d4685645f75da214d0d1c74a91732b0899c43e5a5eef');
INSERT INTO public.journal VALUES (11, '2026-03-11 09:05:00+00', 'D4', 'dispatch.lease-expired', 'daemon', '{"attempts":1,"from":"sending","owner":"w1","reason":"Le programme s''est arrêté pendant la remise : accepté ou non par l''opérateur, impossible à dire d''ici. Un accusé le dira ; sinon, trancher à la main (rejouer ou clore).","to":"unknown"}', 'af9e641c090bdcc48055d4685645f75da214d0d1c74a91732b0899c43e5a5eef', '3664cd5f15f4d9130051acbfddf2ab00b71acd29918aac2e61da20386324beb9');
INSERT INTO public.journal VALUES (12, '2026-03-11 09:05:00+00', 'F6', 'file.received', 'daemon', '{"duplicate_of":"","reason":"","sha256":"0000000000000000000000000000000000000000000000000000000000000006","size":100,"source":"sil"}', '3664cd5f15f4d9130051acbfddf2ab00b71acd29918aac2e61da20386324beb9', 'f08db66af86f09c7bc72bc5cfd9c550e01c59c18b37ff957f77c403d13d7a061');
INSERT INTO public.journal VALUES (13, '2026-03-11 09:05:00+00', 'C5', 'report.added', 'daemon', '{"chain":"chain6","document_id":"doc6","file_id":"F6","fingerprint":"print6","replaces":"","status":"final","version":1}', 'f08db66af86f09c7bc72bc5cfd9c550e01c59c18b37ff957f77c403d13d7a061', 'edc49732aa42a01a261710def0b6865419d3711e6edd140c5200f525ce1c4955');
INSERT INTO public.journal VALUES (14, '2026-03-11 09:05:00+00', 'D7', 'dispatch.added', 'daemon', '{"address":"helene.oeillet@dest.test","channel":"mss","envid":"env7","lane":"routine","message_id":"<m7@labo.test>","recipient_id":"10001234567","report_id":"C5","state":"queued","version":1}', 'edc49732aa42a01a261710def0b6865419d3711e6edd140c5200f525ce1c4955', '3330c98a79079de65cec790b94f638d82772abb7661d25c1842ffa8fa2541939');
INSERT INTO public.journal VALUES (15, '2026-03-11 09:05:00+00', 'L1', 'batch.made', 'daemon', '{"channel":"mss","count":1,"reason":"tick","size":1000}', '3330c98a79079de65cec790b94f638d82772abb7661d25c1842ffa8fa2541939', 'b1862544eff0b3ac95faac03cc270cf7a0d5a3318bae85dfa9339c61abce2a7e');
INSERT INTO public.journal VALUES (16, '2026-03-11 09:05:00+00', 'reference:allowed-domains', 'reference.accepted', 'daemon', '{"sha256":"a0cd8dbbd84282c585ecd6a809c631f117294f81cf50ad0c4e279e98d573811f","size":7,"version":"2026-03-01"}', 'b1862544eff0b3ac95faac03cc270cf7a0d5a3318bae85dfa9339c61abce2a7e', '2331f48c17422cdd8183d2b5f55ffb5195f8e90dd8191683b3ff12c5f4aeac3a');
INSERT INTO public.journal_head VALUES (1, 16, '2331f48c17422cdd8183d2b5f55ffb5195f8e90dd8191683b3ff12c5f4aeac3a');
INSERT INTO public.oppositions VALUES ('P1', 'abababababababababababababababababababababababababababababababab', 'patient', 'ins', '2026-03-11 09:00:00+00', 'eve', '');
INSERT INTO public.pace VALUES ('channel:autre', true, NULL, 'Mot de passe refusé', NULL, NULL, NULL, '', NULL);
INSERT INTO public.pace VALUES ('channel:mss', false, NULL, '', '{"id":"5184f462","n":1,"spans":{"14250":[0,300001,1],"60310":[0,300001,1]}}', 0, '2026-03-11 09:05:00+00', 'frozen', 300);
INSERT INTO public.payloads VALUES ('F1', 'original', NULL, 'k2', true, 450, '\x01c874a2e5614d3c0d5f8271b5a61681d46b99a3eafe8dc62cceca8232e4e10dbad4cff9a924cc0249290427c0b0be4961b27216');
INSERT INTO public.payloads VALUES ('F1', 'sibling:bcdc5477d962bc4785bca03760ba05e7a99c1e3f738c0f275d7555011a457408', '\x01cde11538bff4f7b258b452e6d906dccc99e159f202380d875d32285d36a0b5e8ab9b763058bb2160', 'k2', false, 4, '\x01268a9cd696f133b506a2246a3db394b9da7462c228c6391e1dc1b318d06a44fb');
INSERT INTO public.receipts VALUES ('R1', 'D3', 'smtp', '', '2.0.0', '', '2026-03-11 09:00:00+00', 'aa', '', '', false, NULL, '', '');
INSERT INTO public.reference VALUES (1, 'allowed-domains', '2026-03-01', '\x3c6c6973742f3e', '2026-03-11 09:05:00+00');
INSERT INTO public.reports VALUES ('C2', 'F1', 0, 'chaine1', 1, 'print2', 'doc2', 'set', '', 'final', 'LAB-1', '', '', '', '', '2026-03-11 09:00:00+00', false);
INSERT INTO public.reports VALUES ('C5', 'F6', 0, 'chain6', 1, 'print6', 'doc6', 'set', '', 'final', '', '', '', '', '', '2026-03-11 09:05:00+00', false);
INSERT INTO public.tallies VALUES ('file', '', 'done', 0, 1);
INSERT INTO public.tallies VALUES ('file', '', 'read', 0, 0);
INSERT INTO public.tallies VALUES ('dispatch', 'mss', 'sent', 0, 1);
INSERT INTO public.tallies VALUES ('dispatch', 'mss', 'sending', 0, 0);
INSERT INTO public.tallies VALUES ('dispatch', 'mss', 'unknown', 0, 1);
INSERT INTO public.tallies VALUES ('file', '', 'received', 0, 1);
INSERT INTO public.tallies VALUES ('dispatch', 'mss', 'queued', 0, 1);
SELECT pg_catalog.setval('public.alarm_notes_number_seq', 1, false);
SELECT pg_catalog.setval('public.answers_number_seq', 1, false);
SELECT pg_catalog.setval('public.digests_number_seq', 1, false);
SELECT pg_catalog.setval('public.reference_number_seq', 1, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.account_codes
    ADD CONSTRAINT pk_account_codes PRIMARY KEY (account, code);
ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT pk_accounts PRIMARY KEY (name);
ALTER TABLE ONLY public.alarm_notes
    ADD CONSTRAINT pk_alarm_notes PRIMARY KEY (number);
ALTER TABLE ONLY public.anchors
    ADD CONSTRAINT pk_anchors PRIMARY KEY (last);
ALTER TABLE ONLY public.answers
    ADD CONSTRAINT pk_answers PRIMARY KEY (number);
ALTER TABLE ONLY public.batch_members
    ADD CONSTRAINT pk_batch_members PRIMARY KEY (batch_id, dispatch_id);
ALTER TABLE ONLY public.batches
    ADD CONSTRAINT pk_batches PRIMARY KEY (id);
ALTER TABLE ONLY public.bulk_items
    ADD CONSTRAINT pk_bulk_items PRIMARY KEY (send_id, "position");
ALTER TABLE ONLY public.bulk_sends
    ADD CONSTRAINT pk_bulk_sends PRIMARY KEY (id);
ALTER TABLE ONLY public.console_sessions
    ADD CONSTRAINT pk_console_sessions PRIMARY KEY (digest);
ALTER TABLE ONLY public.destinations
    ADD CONSTRAINT pk_destinations PRIMARY KEY (channel, domain);
ALTER TABLE ONLY public.digests
    ADD CONSTRAINT pk_digests PRIMARY KEY (number);
ALTER TABLE ONLY public.dispatches
    ADD CONSTRAINT pk_dispatches PRIMARY KEY (id);
ALTER TABLE ONLY public.figures
    ADD CONSTRAINT pk_figures PRIMARY KEY (day, channel, address);
ALTER TABLE ONLY public.figures_domains
    ADD CONSTRAINT pk_figures_domains PRIMARY KEY (day, channel, domain);
ALTER TABLE ONLY public.figures_head
    ADD CONSTRAINT pk_figures_head PRIMARY KEY (id);
ALTER TABLE ONLY public.files
    ADD CONSTRAINT pk_files PRIMARY KEY (id);
ALTER TABLE ONLY public.gaps
    ADD CONSTRAINT pk_gaps PRIMARY KEY (id);
ALTER TABLE ONLY public.heard
    ADD CONSTRAINT pk_heard PRIMARY KEY (channel);
ALTER TABLE ONLY public.incidents
    ADD CONSTRAINT pk_incidents PRIMARY KEY (key);
ALTER TABLE ONLY public.installation
    ADD CONSTRAINT pk_installation PRIMARY KEY (id);
ALTER TABLE ONLY public.journal
    ADD CONSTRAINT pk_journal PRIMARY KEY (number);
ALTER TABLE ONLY public.journal_head
    ADD CONSTRAINT pk_journal_head PRIMARY KEY (id);
ALTER TABLE ONLY public.ladder_steps
    ADD CONSTRAINT pk_ladder_steps PRIMARY KEY (dispatch_id, step);
ALTER TABLE ONLY public.mails_aside
    ADD CONSTRAINT pk_mails_aside PRIMARY KEY (channel, uid);
ALTER TABLE ONLY public.named_leases
    ADD CONSTRAINT pk_named_leases PRIMARY KEY (name);
ALTER TABLE ONLY public.nodes
    ADD CONSTRAINT pk_nodes PRIMARY KEY (id);
ALTER TABLE ONLY public.oppositions
    ADD CONSTRAINT pk_oppositions PRIMARY KEY (id);
ALTER TABLE ONLY public.pace
    ADD CONSTRAINT pk_pace PRIMARY KEY (scope);
ALTER TABLE ONLY public.payloads
    ADD CONSTRAINT pk_payloads PRIMARY KEY (owner, kind);
ALTER TABLE ONLY public.print_members
    ADD CONSTRAINT pk_print_members PRIMARY KEY (run_id, dispatch_id);
ALTER TABLE ONLY public.print_runs
    ADD CONSTRAINT pk_print_runs PRIMARY KEY (id);
ALTER TABLE ONLY public.receipt_support
    ADD CONSTRAINT pk_receipt_support PRIMARY KEY (channel, scope, name);
ALTER TABLE ONLY public.receipt_sweeps
    ADD CONSTRAINT pk_receipt_sweeps PRIMARY KEY (channel);
ALTER TABLE ONLY public.receipts
    ADD CONSTRAINT pk_receipts PRIMARY KEY (id);
ALTER TABLE ONLY public.reference
    ADD CONSTRAINT pk_reference PRIMARY KEY (number);
ALTER TABLE ONLY public.reports
    ADD CONSTRAINT pk_reports PRIMARY KEY (id);
ALTER TABLE ONLY public.sign_ins
    ADD CONSTRAINT pk_sign_ins PRIMARY KEY (key);
ALTER TABLE ONLY public.signs
    ADD CONSTRAINT pk_signs PRIMARY KEY (name);
ALTER TABLE ONLY public.tallies
    ADD CONSTRAINT pk_tallies PRIMARY KEY (kind, channel, state, shard);
ALTER TABLE ONLY public.alarm_notes
    ADD CONSTRAINT uq_alarm_notes_id UNIQUE (id);
ALTER TABLE ONLY public.answers
    ADD CONSTRAINT uq_answers_id UNIQUE (id);
ALTER TABLE ONLY public.bulk_sends
    ADD CONSTRAINT uq_bulk_sends_digest UNIQUE (digest);
ALTER TABLE ONLY public.digests
    ADD CONSTRAINT uq_digests_id UNIQUE (id);
ALTER TABLE ONLY public.oppositions
    ADD CONSTRAINT uq_oppositions_key_scope UNIQUE (key, scope);
ALTER TABLE ONLY public.reference
    ADD CONSTRAINT uq_reference_kind_version UNIQUE (kind, version);
ALTER TABLE ONLY public.reports
    ADD CONSTRAINT uq_reports_chain_version UNIQUE (chain, version);
ALTER TABLE ONLY public.reports
    ADD CONSTRAINT uq_reports_file_id_position UNIQUE (file_id, "position");
CREATE INDEX ix_alarm_notes_way ON public.alarm_notes USING btree (way, number);
CREATE INDEX ix_answers_bundle ON public.answers USING btree (bundle) WHERE ((state = 'due'::text) AND (bundle <> ''::text));
CREATE INDEX ix_answers_due ON public.answers USING btree (source, number) WHERE (state = 'due'::text);
CREATE INDEX ix_answers_ended ON public.answers USING btree (state, number) WHERE (state = ANY (ARRAY['refused'::text, 'void'::text]));
CREATE INDEX ix_answers_source ON public.answers USING btree (source, event, subject);
CREATE INDEX ix_answers_subject ON public.answers USING btree (subject);
CREATE INDEX ix_batch_members_dispatch ON public.batch_members USING btree (dispatch_id);
CREATE INDEX ix_batches_alive ON public.batches USING btree (state, id) WHERE (state <> 'done'::text);
CREATE INDEX ix_batches_channel ON public.batches USING btree (channel, created_at);
CREATE INDEX ix_bulk_items_file ON public.bulk_items USING btree (file_id);
CREATE INDEX ix_bulk_sends_made ON public.bulk_sends USING btree (made_at);
CREATE INDEX ix_bulk_sends_place ON public.bulk_sends USING btree (place, made_at);
CREATE INDEX ix_console_sessions_account ON public.console_sessions USING btree (account);
CREATE INDEX ix_dispatches_batch ON public.dispatches USING btree (batch_id);
CREATE INDEX ix_dispatches_chain ON public.dispatches USING btree (chain, recipient_key, version);
CREATE INDEX ix_dispatches_climb ON public.dispatches USING btree (climb_at, id) WHERE (climb_at IS NOT NULL);
CREATE INDEX ix_dispatches_deferred ON public.dispatches USING btree (channel, due_at, id) WHERE (state = 'deferred'::text);
CREATE INDEX ix_dispatches_envid ON public.dispatches USING btree (envid) WHERE (envid <> ''::text);
CREATE INDEX ix_dispatches_escalate ON public.dispatches USING btree (escalate_at, id) WHERE (escalate_at IS NOT NULL);
CREATE INDEX ix_dispatches_leased ON public.dispatches USING btree (lease_owner, lease_until) WHERE (state = 'sending'::text);
CREATE INDEX ix_dispatches_queued ON public.dispatches USING btree (channel, lane, domain, address, created_at, id) WHERE (state = 'queued'::text);
CREATE INDEX ix_dispatches_ready ON public.dispatches USING btree (channel, lane, created_at, id) WHERE (state = 'ready'::text);
CREATE INDEX ix_dispatches_report ON public.dispatches USING btree (report_id);
CREATE INDEX ix_dispatches_state ON public.dispatches USING btree (state, created_at, id, channel);
CREATE INDEX ix_dispatches_suspects ON public.dispatches USING btree (channel, lane, created_at, id) WHERE ((state = 'queued'::text) AND (returns >= 2));
CREATE INDEX ix_dispatches_unread ON public.dispatches USING btree (state, sent_at, id) WHERE (rung > 1);
CREATE INDEX ix_files_arrived ON public.files USING btree (source, received_at) WHERE (size >= 0);
CREATE INDEX ix_files_bytes ON public.files USING btree (source, sha256);
CREATE INDEX ix_files_contents ON public.files USING btree (received_at, id) WHERE (purged_at IS NULL);
CREATE INDEX ix_files_place ON public.files USING btree (source, path_hash);
CREATE INDEX ix_files_proofs ON public.files USING btree (received_at, id) WHERE (purged_at IS NOT NULL);
CREATE INDEX ix_files_state ON public.files USING btree (state, received_at, id);
CREATE INDEX ix_files_to_remove ON public.files USING btree (source) WHERE (NOT removed);
CREATE INDEX ix_files_urgent ON public.files USING btree (state, received_at, id) WHERE (lane = 0);
CREATE INDEX ix_journal_subject ON public.journal USING btree (subject, number);
CREATE INDEX ix_ladder_steps_digest ON public.ladder_steps USING btree (digest);
CREATE INDEX ix_print_members_dispatch ON public.print_members USING btree (dispatch_id);
CREATE INDEX ix_print_runs_made ON public.print_runs USING btree (made_at);
CREATE INDEX ix_receipts_dispatch ON public.receipts USING btree (dispatch_id, at);
CREATE INDEX ix_receipts_latest ON public.receipts USING btree (at, id) WHERE (kind <> ALL (ARRAY['smtp'::text, 'sent-copy'::text]));
CREATE INDEX ix_receipts_mail ON public.receipts USING btree (digest) WHERE (kind <> 'smtp'::text);
CREATE INDEX ix_receipts_to_read ON public.receipts USING btree (at) WHERE to_read;
CREATE INDEX ix_reports_order_filler ON public.reports USING btree (order_filler);
CREATE INDEX ix_reports_order_placer ON public.reports USING btree (order_placer);
CREATE INDEX ix_reports_patient ON public.reports USING btree (patient_hash) WHERE (patient_hash <> ''::text);
CREATE UNIQUE INDEX uq_answers_token ON public.answers USING btree (token) WHERE (token <> ''::text);
CREATE UNIQUE INDEX uq_batches_token ON public.batches USING btree (token) WHERE (token <> ''::text);
CREATE UNIQUE INDEX uq_digests_open ON public.digests USING btree (told) WHERE (NOT told);
CREATE UNIQUE INDEX uq_dispatches_message_id ON public.dispatches USING btree (message_id) WHERE (message_id <> ''::text);
CREATE UNIQUE INDEX uq_files_waiting ON public.files USING btree (source, path_hash) WHERE (state = 'waiting'::text);
CREATE UNIQUE INDEX uq_receipts_digest ON public.receipts USING btree (dispatch_id, digest) WHERE (digest <> ''::text);
CREATE TRIGGER journal_no_change BEFORE DELETE OR UPDATE ON public.journal FOR EACH ROW EXECUTE FUNCTION public.journal_only_grows();
CREATE TRIGGER journal_no_truncate BEFORE TRUNCATE ON public.journal FOR EACH STATEMENT EXECUTE FUNCTION public.journal_only_grows();
ALTER TABLE ONLY public.dispatches
    ADD CONSTRAINT fk_dispatches_report_id_reports FOREIGN KEY (report_id) REFERENCES public.reports(id);
ALTER TABLE ONLY public.reports
    ADD CONSTRAINT fk_reports_file_id_files FOREIGN KEY (file_id) REFERENCES public.files(id);
