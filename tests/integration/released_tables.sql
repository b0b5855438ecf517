-- What the first released migrations made (PostgreSQL 18's pg_dump), with a few rows.
SELECT pg_catalog.set_config('search_path', '', false);
CREATE SCHEMA backend;
CREATE FUNCTION backend.error_injection_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$BEGIN PERFORM pg_notify('error_injection_config', TG_TABLE_SCHEMA); RETURN NULL; END$$;
CREATE FUNCTION public.error_injection_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$BEGIN PERFORM pg_notify('error_injection_config', TG_TABLE_SCHEMA); RETURN NULL; END$$;
CREATE TABLE backend.book (
    book_id bigint DEFAULT 0 NOT NULL,
    title text DEFAULT ''::text NOT NULL,
    author text DEFAULT ''::text NOT NULL,
    status text DEFAULT ''::text NOT NULL,
    shelf_mark text DEFAULT ''::text NOT NULL,
    author_sort text DEFAULT ''::text NOT NULL,
    title_sort text DEFAULT ''::text NOT NULL,
    sequence bigint DEFAULT 0 NOT NULL,
    removed boolean DEFAULT false NOT NULL,
    ingested_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    trace_id text
);
CREATE TABLE backend.dead_letter (
    id text DEFAULT ''::text NOT NULL,
    topic text DEFAULT ''::text NOT NULL,
    partition integer DEFAULT 0 NOT NULL,
    "offset" bigint DEFAULT 0 NOT NULL,
    dead_letter_topic text DEFAULT ''::text NOT NULL,
    dead_letter_partition integer DEFAULT 0 NOT NULL,
    dead_letter_offset bigint DEFAULT 0 NOT NULL,
    consumer_group text DEFAULT ''::text NOT NULL,
    error_type text DEFAULT ''::text NOT NULL,
    error_message text DEFAULT ''::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    recorded_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    failed_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    trace_id text,
    failed_trace_id text,
    key bytea,
    value bytea,
    headers text DEFAULT '[]'::text NOT NULL,
    state text DEFAULT 'new'::text NOT NULL,
    state_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    redriven_to text,
    redriven_from text
);
CREATE TABLE backend.error_injection_config (
    id bigint NOT NULL,
    endpoint_pattern text,
    http_method text,
    topic text,
    error_rate double precision DEFAULT 0.0 NOT NULL,
    error_code integer DEFAULT 500 NOT NULL,
    error_message text DEFAULT ''::text NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    delay_ms integer DEFAULT 0 NOT NULL,
    fatal boolean DEFAULT true NOT NULL,
    CONSTRAINT error_injection_code CHECK (((error_code >= 400) AND (error_code <= 599))),
    CONSTRAINT error_injection_delay CHECK (((delay_ms >= 0) AND (delay_ms <= 60000))),
    CONSTRAINT error_injection_message CHECK ((char_length(error_message) <= 1000)),
    CONSTRAINT error_injection_method CHECK ((http_method = ANY (ARRAY['GET'::text, 'POST'::text, 'PUT'::text, 'PATCH'::text, 'DELETE'::text, 'HEAD'::text, 'OPTIONS'::text]))),
    CONSTRAINT error_injection_pattern CHECK ((endpoint_pattern ~~ '/%'::text)),
    CONSTRAINT error_injection_rate CHECK (((error_rate >= (0)::double precision) AND (error_rate <= (1)::double precision))),
    CONSTRAINT error_injection_target CHECK ((((topic IS NULL) AND (endpoint_pattern IS NOT NULL) AND (http_method IS NOT NULL)) OR ((topic IS NOT NULL) AND (endpoint_pattern IS NULL) AND (http_method IS NULL))))
);
CREATE SEQUENCE backend.error_injection_config_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE backend.error_injection_config_id_seq OWNED BY backend.error_injection_config.id;
CREATE TABLE public.books (
    id bigint NOT NULL,
    title text DEFAULT ''::text NOT NULL,
    author text DEFAULT ''::text NOT NULL,
    status text DEFAULT 'available'::text NOT NULL,
    sequence bigint DEFAULT 1 NOT NULL,
    CONSTRAINT books_author CHECK (((char_length(author) >= 1) AND (char_length(author) <= 1000))),
    CONSTRAINT books_sequence CHECK ((sequence > 0)),
    CONSTRAINT books_status CHECK ((status = ANY (ARRAY['available'::text, 'borrowed'::text, 'lost'::text]))),
    CONSTRAINT books_title CHECK (((char_length(title) >= 1) AND (char_length(title) <= 1000)))
);
CREATE SEQUENCE public.books_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.books_id_seq OWNED BY public.books.id;
CREATE TABLE public.error_injection_config (
    id bigint NOT NULL,
    endpoint_pattern text,
    http_method text,
    topic text,
    error_rate double precision DEFAULT 0.0 NOT NULL,
    error_code integer DEFAULT 500 NOT NULL,
    error_message text DEFAULT ''::text NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    delay_ms integer DEFAULT 0 NOT NULL,
    fatal boolean DEFAULT true NOT NULL,
    CONSTRAINT error_injection_code CHECK (((error_code >= 400) AND (error_code <= 599))),
    CONSTRAINT error_injection_delay CHECK (((delay_ms >= 0) AND (delay_ms <= 60000))),
    CONSTRAINT error_injection_message CHECK ((char_length(error_message) <= 1000)),
    CONSTRAINT error_injection_method CHECK ((http_method = ANY (ARRAY['GET'::text, 'POST'::text, 'PUT'::text, 'PATCH'::text, 'DELETE'::text, 'HEAD'::text, 'OPTIONS'::text]))),
    CONSTRAINT error_injection_pattern CHECK ((endpoint_pattern ~~ '/%'::text)),
    CONSTRAINT error_injection_rate CHECK (((error_rate >= (0)::double precision) AND (error_rate <= (1)::double precision))),
    CONSTRAINT error_injection_target CHECK ((((topic IS NULL) AND (endpoint_pattern IS NOT NULL) AND (http_method IS NOT NULL)) OR ((topic IS NOT NULL) AND (endpoint_pattern IS NULL) AND (http_method IS NULL))))
);
CREATE SEQUENCE public.error_injection_config_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.error_injection_config_id_seq OWNED BY public.error_injection_config.id;
CREATE TABLE public.idempotency_keys (
    key text DEFAULT ''::text NOT NULL,
    fingerprint bytea DEFAULT '\x'::bytea NOT NULL,
    book_ids bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);
CREATE TABLE public.migration (
    id integer NOT NULL,
    name character varying(200) DEFAULT ''::character varying NOT NULL,
    app_name character varying(200) DEFAULT ''::character varying NOT NULL,
    ran_on timestamp without time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);
CREATE SEQUENCE public.migration_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.migration_id_seq OWNED BY public.migration.id;
CREATE TABLE public.outbox (
    id bigint NOT NULL,
    topic character varying(249) DEFAULT ''::character varying NOT NULL,
    key bytea DEFAULT '\x'::bytea NOT NULL,
    value bytea DEFAULT '\x'::bytea NOT NULL,
    trace_context jsonb,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    parked_at timestamp with time zone,
    error text
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='2000', autovacuum_vacuum_insert_scale_factor='0', autovacuum_vacuum_insert_threshold='10000', autovacuum_analyze_scale_factor='0', autovacuum_analyze_threshold='10000', autovacuum_vacuum_cost_delay='0');
CREATE SEQUENCE public.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.outbox_id_seq OWNED BY public.outbox.id;
CREATE TABLE public.relay_lease (
    name character varying(100) DEFAULT ''::character varying NOT NULL,
    owner character varying(100) DEFAULT ''::character varying NOT NULL,
    epoch bigint DEFAULT 0 NOT NULL,
    expires_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
)
WITH (fillfactor='50', autovacuum_vacuum_threshold='200');
ALTER TABLE ONLY backend.error_injection_config ALTER COLUMN id SET DEFAULT nextval('backend.error_injection_config_id_seq'::regclass);
ALTER TABLE ONLY public.books ALTER COLUMN id SET DEFAULT nextval('public.books_id_seq'::regclass);
ALTER TABLE ONLY public.error_injection_config ALTER COLUMN id SET DEFAULT nextval('public.error_injection_config_id_seq'::regclass);
ALTER TABLE ONLY public.migration ALTER COLUMN id SET DEFAULT nextval('public.migration_id_seq'::regclass);
ALTER TABLE ONLY public.outbox ALTER COLUMN id SET DEFAULT nextval('public.outbox_id_seq'::regclass);
INSERT INTO backend.book VALUES (1, 't', 'a', 'available', '', '', '', 1, false, '2026-11-26 11:52:12.83114+00', NULL);
INSERT INTO public.books VALUES (1, 'Pride and Prejudice', 'Jane Austen', 'available', 1);
INSERT INTO public.books VALUES (2, 'Emma', 'Jane Austen', 'available', 1);
INSERT INTO public.migration VALUES (1, '2026-11-23T06:00:00:000001', 'outbox', '2026-11-26 11:52:08.480478');
INSERT INTO public.migration VALUES (2, '2026-11-23T06:00:00:000002', 'outbox', '2026-11-26 11:52:08.548346');
INSERT INTO public.migration VALUES (3, '2026-11-23T06:00:00:000001', 'bookapp', '2026-11-26 11:52:09.122742');
INSERT INTO public.migration VALUES (4, '2026-11-23T06:00:00:000002', 'bookapp', '2026-11-26 11:52:09.701321');
INSERT INTO public.migration VALUES (5, '2026-11-23T06:00:00:000003', 'bookapp', '2026-11-26 11:52:09.845984');
INSERT INTO public.migration VALUES (6, '2026-11-23T06:00:00:000004', 'bookapp', '2026-11-26 11:52:10.628592');
INSERT INTO public.migration VALUES (7, '2026-11-23T06:00:00:000001', 'backend', '2026-11-26 11:52:11.546694');
INSERT INTO public.migration VALUES (8, '2026-11-23T06:00:00:000002', 'backend', '2026-11-26 11:52:11.892982');
INSERT INTO public.migration VALUES (9, '2026-11-23T06:00:00:000003', 'backend', '2026-11-26 11:52:12.112647');
INSERT INTO public.migration VALUES (10, '2026-11-23T06:00:00:000004', 'backend', '2026-11-26 11:52:12.342768');
INSERT INTO public.outbox VALUES (1, 'book_ingestion', '\x31', '\x7b2274797065223a226164646564222c226576656e745f6964223a2262353230613132612d666265642d343466352d623164352d353430623964663738656565222c2273657175656e6365223a312c226f636375727265645f6174223a22323032362d31312d32365431313a35323a30392e3137393537345a222c22626f6f6b223a7b226964223a312c227469746c65223a22507269646520616e64205072656a7564696365222c22617574686f72223a224a616e652041757374656e222c22737461747573223a22617661696c61626c65227d7d', NULL, '2026-11-26 11:52:08.704405+00', NULL, NULL);
INSERT INTO public.outbox VALUES (2, 'book_ingestion', '\x32', '\x7b2274797065223a226164646564222c226576656e745f6964223a2263636533326663392d333238362d346663372d386665342d353536613930303533313562222c2273657175656e6365223a312c226f636375727265645f6174223a22323032362d31312d32365431313a35323a30392e3137393537345a222c22626f6f6b223a7b226964223a322c227469746c65223a22456d6d61222c22617574686f72223a224a616e652041757374656e222c22737461747573223a22617661696c61626c65227d7d', NULL, '2026-11-26 11:52:08.704405+00', NULL, NULL);
SELECT pg_catalog.setval('backend.error_injection_config_id_seq', 1, false);
SELECT pg_catalog.setval('public.books_id_seq', 138, true);
SELECT pg_catalog.setval('public.error_injection_config_id_seq', 1, false);
SELECT pg_catalog.setval('public.migration_id_seq', 10, true);
SELECT pg_catalog.setval('public.outbox_id_seq', 138, true);
ALTER TABLE ONLY backend.book
    ADD CONSTRAINT book_pkey PRIMARY KEY (book_id);
ALTER TABLE ONLY backend.dead_letter
    ADD CONSTRAINT dead_letter_pkey PRIMARY KEY (id);
ALTER TABLE ONLY backend.error_injection_config
    ADD CONSTRAINT error_injection_config_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.books
    ADD CONSTRAINT books_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.error_injection_config
    ADD CONSTRAINT error_injection_config_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.relay_lease
    ADD CONSTRAINT relay_lease_pkey PRIMARY KEY (name);
CREATE INDEX dead_letter_error_type ON backend.dead_letter USING btree (error_type);
CREATE INDEX dead_letter_redriven_from ON backend.dead_letter USING btree (redriven_from);
CREATE INDEX dead_letter_state ON backend.dead_letter USING btree (state);
CREATE UNIQUE INDEX error_injection_endpoint ON backend.error_injection_config USING btree (regexp_replace(endpoint_pattern, '\{[^}]*\}'::text, '{}'::text, 'g'::text), http_method);
CREATE UNIQUE INDEX error_injection_topic ON backend.error_injection_config USING btree (topic);
CREATE UNIQUE INDEX error_injection_endpoint ON public.error_injection_config USING btree (regexp_replace(endpoint_pattern, '\{[^}]*\}'::text, '{}'::text, 'g'::text), http_method);
CREATE UNIQUE INDEX error_injection_topic ON public.error_injection_config USING btree (topic);
CREATE INDEX idempotency_keys_created_at ON public.idempotency_keys USING btree (created_at);
CREATE TRIGGER error_injection_changed AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON backend.error_injection_config FOR EACH STATEMENT EXECUTE FUNCTION backend.error_injection_changed();
CREATE TRIGGER error_injection_changed AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.error_injection_config FOR EACH STATEMENT EXECUTE FUNCTION public.error_injection_changed();
