BEGIN TRANSACTION;
CREATE TABLE account_codes (
	account TEXT NOT NULL, 
	code TEXT NOT NULL, 
	CONSTRAINT pk_account_codes PRIMARY KEY (account, code)
);
CREATE TABLE accounts (
	name TEXT NOT NULL, 
	password TEXT NOT NULL, 
	roles TEXT NOT NULL, 
	totp BLOB, 
	totp_key TEXT NOT NULL, 
	totp_step BIGINT NOT NULL, 
	must_change BOOLEAN NOT NULL, 
	disabled BOOLEAN NOT NULL, 
	origin TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	created_by TEXT NOT NULL, 
	signed_in_at TEXT, 
	CONSTRAINT pk_accounts PRIMARY KEY (name)
);
CREATE TABLE alarm_notes (
	number INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	way TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	at TEXT NOT NULL, 
	body TEXT NOT NULL, 
	due_at TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	sent_at TEXT, 
	reason TEXT NOT NULL, 
	CONSTRAINT pk_alarm_notes PRIMARY KEY (number), 
	CONSTRAINT uq_alarm_notes_id UNIQUE (id)
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0004');
CREATE TABLE anchors (
	last BIGINT NOT NULL, 
	first BIGINT NOT NULL, 
	at TEXT NOT NULL, 
	statement TEXT NOT NULL, 
	signature BLOB NOT NULL, 
	signer TEXT NOT NULL, 
	stamp BLOB, 
	CONSTRAINT pk_anchors PRIMARY KEY (last)
);
CREATE TABLE answers (
	number INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	source TEXT NOT NULL, 
	format TEXT NOT NULL, 
	event TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	file_id TEXT NOT NULL, 
	report_id TEXT NOT NULL, 
	at TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	state TEXT NOT NULL, 
	due_at TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	sent_at TEXT, 
	bundle TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	token TEXT NOT NULL, 
	CONSTRAINT pk_answers PRIMARY KEY (number), 
	CONSTRAINT uq_answers_id UNIQUE (id)
);
CREATE TABLE batch_members (
	batch_id TEXT NOT NULL, 
	dispatch_id TEXT NOT NULL, 
	joined_at TEXT NOT NULL, 
	CONSTRAINT pk_batch_members PRIMARY KEY (batch_id, dispatch_id)
);
INSERT INTO "batch_members" VALUES('L1','D5','2026-03-11T09:05:00.000000+00:00');
CREATE TABLE batches (
	id TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	count INTEGER NOT NULL, 
	size BIGINT NOT NULL, state TEXT DEFAULT 'open' NOT NULL, ended_at TEXT, pause_reason TEXT DEFAULT '' NOT NULL, actor TEXT DEFAULT '' NOT NULL, why TEXT DEFAULT '' NOT NULL, token TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_batches PRIMARY KEY (id)
);
INSERT INTO "batches" VALUES('L1','mss','2026-03-11T09:05:00.000000+00:00','tick',1,1000,'open',NULL,'','','','');
CREATE TABLE bulk_items (
	send_id TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	file_id TEXT NOT NULL, 
	CONSTRAINT pk_bulk_items PRIMARY KEY (send_id, position)
);
CREATE TABLE bulk_sends (
	id TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	place TEXT NOT NULL, 
	made_at TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	files INTEGER NOT NULL, 
	count INTEGER NOT NULL, 
	CONSTRAINT pk_bulk_sends PRIMARY KEY (id), 
	CONSTRAINT uq_bulk_sends_digest UNIQUE (digest)
);
CREATE TABLE console_sessions (
	digest TEXT NOT NULL, 
	account TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	seen_at TEXT NOT NULL, 
	idle_until TEXT NOT NULL, 
	ends_at TEXT NOT NULL, 
	address TEXT NOT NULL, 
	CONSTRAINT pk_console_sessions PRIMARY KEY (digest)
);
CREATE TABLE destinations (
	channel TEXT NOT NULL, 
	domain TEXT NOT NULL, 
	free_at TEXT, 
	state TEXT NOT NULL, 
	failures INTEGER NOT NULL, 
	notices INTEGER NOT NULL, 
	openings INTEGER NOT NULL, 
	probe_at TEXT, 
	probe TEXT DEFAULT '' NOT NULL, 
	reason TEXT NOT NULL, 
	CONSTRAINT pk_destinations PRIMARY KEY (channel, domain)
);
CREATE TABLE digests (
	number INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	made_at TEXT NOT NULL, 
	count INTEGER NOT NULL, 
	told_at TEXT, 
	told BOOLEAN NOT NULL, 
	CONSTRAINT pk_digests PRIMARY KEY (number), 
	CONSTRAINT uq_digests_id UNIQUE (id)
);
CREATE TABLE dispatches (
	id TEXT NOT NULL, 
	report_id TEXT NOT NULL, 
	chain TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	recipient_key TEXT NOT NULL, 
	role TEXT NOT NULL, 
	label TEXT NOT NULL, 
	recipient_id TEXT NOT NULL, 
	recipient_id_type TEXT NOT NULL, 
	address TEXT NOT NULL, 
	domain TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	format TEXT NOT NULL, 
	envelope TEXT NOT NULL, 
	certificate TEXT NOT NULL, 
	signer TEXT NOT NULL, 
	message_id TEXT NOT NULL, 
	envid TEXT NOT NULL, 
	sealed_sha256 TEXT NOT NULL, 
	sealed_bytes BIGINT NOT NULL, 
	lane SMALLINT NOT NULL, 
	batch_id TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	created_at TEXT NOT NULL, 
	due_at TEXT, 
	sent_at TEXT, 
	delivered_at TEXT, 
	read_at TEXT, 
	submitting_since TEXT, 
	lease_owner TEXT NOT NULL, 
	lease_until TEXT, 
	fence BIGINT NOT NULL, 
	hold_code TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	reply TEXT NOT NULL, 
	decision TEXT NOT NULL, 
	search TEXT NOT NULL, unknown_since TEXT, resend_of TEXT DEFAULT '' NOT NULL, replayed_from TEXT DEFAULT '' NOT NULL, replayed_fence BIGINT DEFAULT '0' NOT NULL, replayed_attempts INTEGER DEFAULT '0' NOT NULL, printed_at TEXT, fault TEXT DEFAULT '' NOT NULL, escalate_at TEXT, escalation INTEGER DEFAULT '0' NOT NULL, pauses INTEGER DEFAULT '0' NOT NULL, doubted_at TEXT, returns INTEGER DEFAULT '0' NOT NULL, renditions TEXT DEFAULT '' NOT NULL, climb_at TEXT, rung INTEGER DEFAULT '0' NOT NULL, acknowledged_at TEXT, 
	CONSTRAINT pk_dispatches PRIMARY KEY (id), 
	CONSTRAINT fk_dispatches_report_id_reports FOREIGN KEY(report_id) REFERENCES reports (id)
);
INSERT INTO "dispatches" VALUES('D3','C2','chaine1',1,'sent','RPPS:10001234567','prescriber','Dr Hélène Œillet','10001234567','RPPS','helene.oeillet@dest.test','dest.test','mss','','','','','<m3@labo.test>','env3','',1000,1,'',1,'2026-03-11T09:00:00.003000+00:00',NULL,'2026-03-11T09:00:00.000000+00:00',NULL,NULL,NULL,'',NULL,1,'','','250 2.0.0 accepté','{"n":1,"trace":[{"rule":"rpps","text":"Trouvé dans l''annuaire"}]}','dr helene oeillet
helene.oeillet@dest.test
10001234567',NULL,'','',0,0,NULL,'',NULL,0,0,NULL,0,'','2026-03-11T09:00:00.000000+00:00',0,NULL);
INSERT INTO "dispatches" VALUES('D4','C2','chaine1',1,'unknown','RPPS:2','prescriber','Dr Paul Durand','10001234567','RPPS','helene.oeillet@dest.test','dest.test','mss','','','','','<m4@labo.test>','env4','',1000,1,'',1,'2026-03-11T09:00:00.004000+00:00',NULL,NULL,NULL,NULL,NULL,'',NULL,1,'','Le programme s''est arrêté pendant la remise : accepté ou non par l''opérateur, impossible à dire d''ici. Un accusé le dira ; sinon, trancher à la main (rejouer ou clore).','','{"n":1,"trace":[{"rule":"rpps","text":"Trouvé dans l''annuaire"}]}','dr paul durand
helene.oeillet@dest.test
10001234567','2026-03-11T09:05:00.000000+00:00','','',0,0,NULL,'',NULL,0,0,NULL,0,'',NULL,0,NULL);
INSERT INTO "dispatches" VALUES('D7','C5','chain6',1,'queued','RPPS:10001234567','prescriber','Dr Hélène Œillet','10001234567','RPPS','helene.oeillet@dest.test','dest.test','mss','','','','','<m7@labo.test>','env7','',1000,1,'',0,'2026-03-11T09:05:00.007000+00:00',NULL,NULL,NULL,NULL,NULL,'',NULL,0,'','','','{"n":1,"trace":[{"rule":"rpps","text":"Trouvé dans l''annuaire"}]}','dr helene oeillet
helene.oeillet@dest.test
10001234567',NULL,'','',0,0,NULL,'',NULL,0,0,NULL,0,'',NULL,0,NULL);
CREATE TABLE figures (
	day TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	address TEXT NOT NULL, 
	domain TEXT NOT NULL, 
	label TEXT NOT NULL, 
	made INTEGER NOT NULL, 
	sent INTEGER NOT NULL, 
	read INTEGER NOT NULL, 
	failed INTEGER NOT NULL, 
	detail TEXT NOT NULL, 
	CONSTRAINT pk_figures PRIMARY KEY (day, channel, address)
);
CREATE TABLE figures_domains (
	day TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	domain TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	CONSTRAINT pk_figures_domains PRIMARY KEY (day, channel, domain)
);
CREATE TABLE figures_head (
	id SMALLINT NOT NULL, 
	number BIGINT NOT NULL, 
	CONSTRAINT pk_figures_head PRIMARY KEY (id), 
	CONSTRAINT ck_figures_head_one_row CHECK (id = 1)
);
CREATE TABLE files (
	id TEXT NOT NULL, 
	source TEXT NOT NULL, 
	names BLOB NOT NULL, 
	names_key TEXT NOT NULL, 
	path_hash TEXT NOT NULL, 
	size BIGINT NOT NULL, 
	mtime_ns BIGINT NOT NULL, 
	sha256 TEXT NOT NULL, 
	state TEXT NOT NULL, 
	received_at TEXT NOT NULL, 
	format TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	duplicate_of TEXT NOT NULL, 
	removed BOOLEAN NOT NULL, 
	returns INTEGER NOT NULL, 
	lease_owner TEXT NOT NULL, 
	lease_until TEXT, lane SMALLINT DEFAULT '1' NOT NULL, purged_at TEXT, 
	CONSTRAINT pk_files PRIMARY KEY (id)
);
INSERT INTO "files" VALUES('F1','sil',X'01050A33A062DCFE4EDADF4B26503D25B0F4CC32DF365BB2FA69F213A7CE094E7F9CA6FDAC0417106E38AB42C1E7C36AB7B240264834DA500F0581EA9B398ABE40','k2','eb0a6ba92e1df5a5f78dc74f0b038a50d82ad84829ff6fb7505ecaa17e4f5fc7',100,1700000000123456789,'0000000000000000000000000000000000000000000000000000000000000001','done','2026-03-11T09:00:00.001000+00:00','','','',1,0,'',NULL,1,NULL);
INSERT INTO "files" VALUES('F6','sil',X'018AAC7D6A2D11C98E264B85011F1E3F2056E8806E5AFE1267F9CBF635EED821005635FF4036B69751A1B6D578738508414D699532ECB49A5210D26058A2AC9589F86A46DB8A0386BB5843617D11B89119A1CD','k2','215da7ccdefb893be883d461dd7b77d97c258df4754065e6fe63ee165ddbf882',100,1700000000123456789,'0000000000000000000000000000000000000000000000000000000000000006','received','2026-03-11T09:05:00.006000+00:00','','','',0,0,'',NULL,1,NULL);
CREATE TABLE gaps (
	id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	source TEXT NOT NULL, 
	code TEXT NOT NULL, 
	label TEXT NOT NULL, 
	unit TEXT NOT NULL, 
	specimen TEXT NOT NULL, 
	text TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	count BIGINT NOT NULL, 
	first_at TEXT NOT NULL, 
	last_at TEXT NOT NULL, 
	CONSTRAINT pk_gaps PRIMARY KEY (id)
);
INSERT INTO "gaps" VALUES('4ab290e7aafd8470e6e795d2e00c601d5aed3f4ef1f89a70d0ef64a6d5cb9d0a','code','sil','GLU','Glycémie','','','','',1,'2026-03-11T09:05:00.000000+00:00','2026-03-11T09:05:00.000000+00:00');
CREATE TABLE heard (
	channel TEXT NOT NULL, 
	at TEXT NOT NULL, 
	CONSTRAINT pk_heard PRIMARY KEY (channel)
);
CREATE TABLE incidents (
	"key" TEXT NOT NULL, 
	code TEXT NOT NULL, 
	level TEXT NOT NULL, 
	text TEXT NOT NULL, 
	hint TEXT NOT NULL, 
	count INTEGER NOT NULL, 
	stage INTEGER NOT NULL, 
	began_at TEXT NOT NULL, 
	seen_at TEXT NOT NULL, 
	told_at TEXT, 
	said_at TEXT, 
	told_count INTEGER NOT NULL, 
	told_stage INTEGER NOT NULL, 
	reminders INTEGER NOT NULL, 
	gone_at TEXT, 
	over_at TEXT, 
	flaps INTEGER NOT NULL, 
	acked_at TEXT, 
	acked_by TEXT NOT NULL, 
	ack_why TEXT NOT NULL, 
	CONSTRAINT pk_incidents PRIMARY KEY ("key")
);
CREATE TABLE installation (
	id SMALLINT NOT NULL, 
	store_id TEXT NOT NULL, 
	backup_at TEXT, 
	restored_at TEXT, 
	journal_number BIGINT NOT NULL, 
	CONSTRAINT pk_installation PRIMARY KEY (id), 
	CONSTRAINT ck_installation_one_row CHECK (id = 1)
);
CREATE TABLE journal (
	number BIGINT NOT NULL, 
	at TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	event TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	previous TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	CONSTRAINT pk_journal PRIMARY KEY (number)
);
INSERT INTO "journal" VALUES(1,'2026-03-11T09:00:00.000000+00:00','P1','opposition.added','eve','{"kind":"ins","scope":"patient"}','0000000000000000000000000000000000000000000000000000000000000000','06b7743bbae5b8da3caf6038cd3e4dff3df29a4638a3b711479b95a4a6bd1c93');
INSERT INTO "journal" VALUES(2,'2026-03-11T09:00:00.000000+00:00','F1','file.read','daemon','{"duplicate_of":"","reason":"","sha256":"0000000000000000000000000000000000000000000000000000000000000001","size":100,"source":"sil"}','06b7743bbae5b8da3caf6038cd3e4dff3df29a4638a3b711479b95a4a6bd1c93','b77f9838d405b48b986cd13ad1a9ae1b6d548f82ed294d1ceae0afc3a7073baa');
INSERT INTO "journal" VALUES(3,'2026-03-11T09:00:00.000000+00:00','F1','file.done','daemon','{"from":"read","reason":""}','b77f9838d405b48b986cd13ad1a9ae1b6d548f82ed294d1ceae0afc3a7073baa','a011acb876cc8d3696ad74cff8c45605f152036f4e3e93f8c6d64f020b1382a3');
INSERT INTO "journal" VALUES(4,'2026-03-11T09:00:00.000000+00:00','C2','report.added','daemon','{"chain":"chaine1","document_id":"doc2","file_id":"F1","fingerprint":"print2","replaces":"","status":"final","version":1}','a011acb876cc8d3696ad74cff8c45605f152036f4e3e93f8c6d64f020b1382a3','30d9ad37efdaf335123c5963fb64c1a6ad22207a601ef91c831df670c7278a76');
INSERT INTO "journal" VALUES(5,'2026-03-11T09:00:00.000000+00:00','D3','dispatch.added','daemon','{"address":"helene.oeillet@dest.test","channel":"mss","envid":"env3","lane":"routine","message_id":"<m3@labo.test>","recipient_id":"10001234567","report_id":"C2","state":"queued","version":1}','30d9ad37efdaf335123c5963fb64c1a6ad22207a601ef91c831df670c7278a76','6ec90a34d4cc280c35941274c011fbd42f9d215ac01a1d3092f3220633b83d99');
INSERT INTO "journal" VALUES(6,'2026-03-11T09:00:00.000000+00:00','D4','dispatch.added','daemon','{"address":"helene.oeillet@dest.test","channel":"mss","envid":"env4","lane":"routine","message_id":"<m4@labo.test>","recipient_id":"10001234567","report_id":"C2","state":"queued","version":1}','6ec90a34d4cc280c35941274c011fbd42f9d215ac01a1d3092f3220633b83d99','95dd9a9db240f8faee19460a37be6b4e1876d367010cdbb6740a86c7f30763a5');
INSERT INTO "journal" VALUES(7,'2026-03-11T09:00:00.000000+00:00','D3','dispatch.sending','daemon','{"fence":1,"from":"queued","owner":"w1"}','95dd9a9db240f8faee19460a37be6b4e1876d367010cdbb6740a86c7f30763a5','0b4ac27a6c5b4ded21a289fab41dd0858bbbe7d62e422655f27d2b0334a7fe8f');
INSERT INTO "journal" VALUES(8,'2026-03-11T09:00:00.000000+00:00','D4','dispatch.sending','daemon','{"fence":1,"from":"queued","owner":"w1"}','0b4ac27a6c5b4ded21a289fab41dd0858bbbe7d62e422655f27d2b0334a7fe8f','07e87929080f793354ff97210631c7e3ece9eedcfeb33f549ed20d886a3d6eea');
INSERT INTO "journal" VALUES(9,'2026-03-11T09:00:00.000000+00:00','D3','dispatch.sent','daemon','{"attempts":1,"from":"sending","reply":"250 2.0.0 accepté"}','07e87929080f793354ff97210631c7e3ece9eedcfeb33f549ed20d886a3d6eea','9bca5514c05155d64d32864a219c3b08b05628bbfb332e81a4d016c98c0aacf1');
INSERT INTO "journal" VALUES(10,'2026-03-11T09:00:00.000000+00:00','D3','receipt.smtp','daemon','{"action":"","code":"","digest":"aa","note":"","receipt":"R1","status":"2.0.0"}','9bca5514c05155d64d32864a219c3b08b05628bbfb332e81a4d016c98c0aacf1','af9e641c090bdcc48055d4685645f75da214d0d1c74a91732b0899c43e5a5eef');
INSERT INTO "journal" VALUES(11,'2026-03-11T09:05:00.000000+00:00','D4','dispatch.lease-expired','daemon','{"attempts":1,"from":"sending","owner":"w1","reason":"Le programme s''est arrêté pendant la remise : accepté ou non par l''opérateur, impossible à dire d''ici. Un accusé le dira ; sinon, trancher à la main (rejouer ou clore).","to":"unknown"}','af9e641c090bdcc48055d4685645f75da214d0d1c74a91732b0899c43e5a5eef','3664cd5f15f4d9130051acbfddf2ab00b71acd29918aac2e61da20386324beb9');
INSERT INTO "journal" VALUES(12,'2026-03-11T09:05:00.000000+00:00','F6','file.received','daemon','{"duplicate_of":"","reason":"","sha256":"0000000000000000000000000000000000000000000000000000000000000006","size":100,"source":"sil"}','3664cd5f15f4d9130051acbfddf2ab00b71acd29918aac2e61da20386324beb9','f08db66af86f09c7bc72bc5cfd9c550e01c59c18b37ff957f77c403d13d7a061');
INSERT INTO "journal" VALUES(13,'2026-03-11T09:05:00.000000+00:00','C5','report.added','daemon','{"chain":"chain6","document_id":"doc6","file_id":"F6","fingerprint":"print6","replaces":"","status":"final","version":1}','f08db66af86f09c7bc72bc5cfd9c550e01c59c18b37ff957f77c403d13d7a061','edc49732aa42a01a261710def0b6865419d3711e6edd140c5200f525ce1c4955');
INSERT INTO "journal" VALUES(14,'2026-03-11T09:05:00.000000+00:00','D7','dispatch.added','daemon','{"address":"helene.oeillet@dest.test","channel":"mss","envid":"env7","lane":"routine","message_id":"<m7@labo.test>","recipient_id":"10001234567","report_id":"C5","state":"queued","version":1}','edc49732aa42a01a261710def0b6865419d3711e6edd140c5200f525ce1c4955','3330c98a79079de65cec790b94f638d82772abb7661d25c1842ffa8fa2541939');
INSERT INTO "journal" VALUES(15,'2026-03-11T09:05:00.000000+00:00','L1','batch.made','daemon','{"channel":"mss","count":1,"reason":"tick","size":1000}','3330c98a79079de65cec790b94f638d82772abb7661d25c1842ffa8fa2541939','b1862544eff0b3ac95faac03cc270cf7a0d5a3318bae85dfa9339c61abce2a7e');
INSERT INTO "journal" VALUES(16,'2026-03-11T09:05:00.000000+00:00','reference:allowed-domains','reference.accepted','daemon','{"sha256":"a0cd8dbbd84282c585ecd6a809c631f117294f81cf50ad0c4e279e98d573811f","size":7,"version":"2026-03-01"}','b1862544eff0b3ac95faac03cc270cf7a0d5a3318bae85dfa9339c61abce2a7e','2331f48c17422cdd8183d2b5f55ffb5195f8e90dd8191683b3ff12c5f4aeac3a');
CREATE TABLE journal_head (
	id SMALLINT NOT NULL, 
	number BIGINT NOT NULL, 
	digest TEXT NOT NULL, 
	CONSTRAINT pk_journal_head PRIMARY KEY (id), 
	CONSTRAINT ck_journal_head_one_row CHECK (id = 1)
);
INSERT INTO "journal_head" VALUES(1,16,'2331f48c17422cdd8183d2b5f55ffb5195f8e90dd8191683b3ff12c5f4aeac3a');
CREATE TABLE ladder_steps (
	dispatch_id TEXT NOT NULL, 
	step INTEGER NOT NULL, 
	rung TEXT NOT NULL, 
	at TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	note TEXT NOT NULL, 
	CONSTRAINT pk_ladder_steps PRIMARY KEY (dispatch_id, step)
);
CREATE TABLE mails_aside (
	channel TEXT NOT NULL, 
	uid TEXT NOT NULL, 
	at TEXT NOT NULL, 
	CONSTRAINT pk_mails_aside PRIMARY KEY (channel, uid)
);
CREATE TABLE named_leases (
	name TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	node TEXT NOT NULL, 
	until TEXT, 
	fence BIGINT NOT NULL, 
	CONSTRAINT pk_named_leases PRIMARY KEY (name)
);
CREATE TABLE nodes (
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	host TEXT NOT NULL, 
	pid BIGINT NOT NULL, 
	version TEXT NOT NULL, 
	revision TEXT NOT NULL, 
	workers INTEGER NOT NULL, 
	started_at TEXT NOT NULL, 
	seen_at TEXT NOT NULL, 
	skew DOUBLE NOT NULL, 
	wanted TEXT NOT NULL, 
	process TEXT NOT NULL, 
	digests TEXT NOT NULL, 
	CONSTRAINT pk_nodes PRIMARY KEY (id)
);
CREATE TABLE oppositions (
	id TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	scope TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	added_at TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	note TEXT NOT NULL, 
	CONSTRAINT pk_oppositions PRIMARY KEY (id), 
	CONSTRAINT uq_oppositions_key_scope UNIQUE ("key", scope)
);
INSERT INTO "oppositions" VALUES('P1','abababababababababababababababababababababababababababababababab','patient','ins','2026-03-11T09:00:00.000000+00:00','eve','');
CREATE TABLE pace (
	scope TEXT NOT NULL, 
	paused BOOLEAN NOT NULL, 
	paused_until TEXT, 
	pause_reason TEXT NOT NULL, 
	slots TEXT, 
	seconds DOUBLE, 
	first_at TEXT, 
	boot TEXT DEFAULT '' NOT NULL, 
	boot_seconds DOUBLE, 
	CONSTRAINT pk_pace PRIMARY KEY (scope)
);
INSERT INTO "pace" VALUES('channel:autre',1,NULL,'Mot de passe refusé',NULL,NULL,NULL,'',NULL);
INSERT INTO "pace" VALUES('channel:mss',0,NULL,'','{"id":"a4812a6e","n":1,"spans":{"14250":[0,300001,1],"60310":[0,300001,1]}}',0.0,'2026-03-11T09:05:00.000000+00:00','frozen',300.0);
CREATE TABLE payloads (
	owner TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	name BLOB, 
	key_id TEXT NOT NULL, 
	packed BOOLEAN NOT NULL, 
	size BIGINT NOT NULL, 
	content BLOB NOT NULL, 
	CONSTRAINT pk_payloads PRIMARY KEY (owner, kind)
);
INSERT INTO "payloads" VALUES('F1','original',NULL,'k2',1,450,X'01DB6A8466E67F558D3E818BC0D052281AD2AF6DE8F325DA7055660B47610BC585390B21D88B8541A54A4994B6E8DD571546FC7F');
INSERT INTO "payloads" VALUES('F1','sibling:bcdc5477d962bc4785bca03760ba05e7a99c1e3f738c0f275d7555011a457408',X'011967F72B4D2957EB043F5C121CF3838611EC90D726213CBF429BD581801321A001C47F76D6FF0664','k2',0,4,X'016F8D6D96F1650531DDFED1443A9644B26DCF622F401506E9BDCE69652F9961DC');
CREATE TABLE print_members (
	run_id TEXT NOT NULL, 
	dispatch_id TEXT NOT NULL, 
	CONSTRAINT pk_print_members PRIMARY KEY (run_id, dispatch_id)
);
CREATE TABLE print_runs (
	id TEXT NOT NULL, 
	made_at TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	count INTEGER NOT NULL, 
	sha256 TEXT NOT NULL, 
	why TEXT NOT NULL, 
	printed_at TEXT, 
	CONSTRAINT pk_print_runs PRIMARY KEY (id)
);
CREATE TABLE receipt_support (
	channel TEXT NOT NULL, 
	scope TEXT NOT NULL, 
	name TEXT NOT NULL, 
	delivered_at TEXT, 
	relayed_at TEXT, 
	read_at TEXT, 
	silent INTEGER NOT NULL, 
	unread INTEGER NOT NULL, 
	CONSTRAINT pk_receipt_support PRIMARY KEY (channel, scope, name)
);
CREATE TABLE receipt_sweeps (
	channel TEXT NOT NULL, 
	until TEXT NOT NULL, 
	CONSTRAINT pk_receipt_sweeps PRIMARY KEY (channel)
);
CREATE TABLE receipts (
	id TEXT NOT NULL, 
	dispatch_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	action TEXT NOT NULL, 
	status TEXT NOT NULL, 
	code TEXT NOT NULL, 
	at TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	note TEXT NOT NULL, to_read BOOLEAN DEFAULT 0 NOT NULL, dealt_at TEXT, dealt_by TEXT DEFAULT '' NOT NULL, dealt_why TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_receipts PRIMARY KEY (id)
);
INSERT INTO "receipts" VALUES('R1','D3','smtp','','2.0.0','','2026-03-11T09:00:00.000000+00:00','aa','','',0,NULL,'','');
CREATE TABLE reference (
	number INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	version TEXT NOT NULL, 
	content BLOB NOT NULL, 
	accepted_at TEXT NOT NULL, 
	CONSTRAINT pk_reference PRIMARY KEY (number), 
	CONSTRAINT uq_reference_kind_version UNIQUE (kind, version)
);
INSERT INTO "reference" VALUES(1,'allowed-domains','2026-03-01',X'3C6C6973742F3E','2026-03-11T09:05:00.000000+00:00');
CREATE TABLE reports (
	id TEXT NOT NULL, 
	file_id TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	chain TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	fingerprint TEXT NOT NULL, 
	document_id TEXT NOT NULL, 
	set_id TEXT NOT NULL, 
	replaces TEXT NOT NULL, 
	status TEXT NOT NULL, 
	order_filler TEXT NOT NULL, 
	order_placer TEXT NOT NULL, 
	laboratory TEXT NOT NULL, 
	patient_hash TEXT NOT NULL, 
	reported_at TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	superseded BOOLEAN NOT NULL, 
	CONSTRAINT pk_reports PRIMARY KEY (id), 
	CONSTRAINT fk_reports_file_id_files FOREIGN KEY(file_id) REFERENCES files (id), 
	CONSTRAINT uq_reports_chain_version UNIQUE (chain, version), 
	CONSTRAINT uq_reports_file_id_position UNIQUE (file_id, position)
);
INSERT INTO "reports" VALUES('C2','F1',0,'chaine1',1,'print2','doc2','set','','final','LAB-1','','','','','2026-03-11T09:00:00.000000+00:00',0);
INSERT INTO "reports" VALUES('C5','F6',0,'chain6',1,'print6','doc6','set','','final','','','','','','2026-03-11T09:05:00.000000+00:00',0);
CREATE TABLE sign_ins (
	"key" TEXT NOT NULL, 
	count INTEGER NOT NULL, 
	at TEXT NOT NULL, 
	until TEXT, 
	CONSTRAINT pk_sign_ins PRIMARY KEY ("key")
);
CREATE TABLE signs (
	name TEXT NOT NULL, 
	at TEXT NOT NULL, 
	note TEXT NOT NULL, 
	CONSTRAINT pk_signs PRIMARY KEY (name)
);
CREATE TABLE tallies (
	kind TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	state TEXT NOT NULL, 
	shard INTEGER NOT NULL, 
	count BIGINT NOT NULL, 
	CONSTRAINT pk_tallies PRIMARY KEY (kind, channel, state, shard)
);
INSERT INTO "tallies" VALUES('file','','read',0,0);
INSERT INTO "tallies" VALUES('file','','done',0,1);
INSERT INTO "tallies" VALUES('dispatch','mss','queued',0,1);
INSERT INTO "tallies" VALUES('dispatch','mss','sending',0,0);
INSERT INTO "tallies" VALUES('dispatch','mss','sent',0,1);
INSERT INTO "tallies" VALUES('dispatch','mss','unknown',0,1);
INSERT INTO "tallies" VALUES('file','','received',0,1);
CREATE INDEX ix_files_bytes ON files (source, sha256);
CREATE INDEX ix_files_place ON files (source, path_hash);
CREATE INDEX ix_files_state ON files (state, received_at, id);
CREATE INDEX ix_files_to_remove ON files (source) WHERE removed = 0;
CREATE UNIQUE INDEX uq_files_waiting ON files (source, path_hash) WHERE state = 'waiting';
CREATE INDEX ix_reports_order_filler ON reports (order_filler);
CREATE INDEX ix_reports_order_placer ON reports (order_placer);
CREATE INDEX ix_dispatches_batch ON dispatches (batch_id);
CREATE INDEX ix_dispatches_chain ON dispatches (chain, recipient_key, version);
CREATE INDEX ix_dispatches_envid ON dispatches (envid) WHERE envid <> '';
CREATE INDEX ix_dispatches_ready ON dispatches (channel, lane, created_at, id) WHERE state = 'ready';
CREATE INDEX ix_dispatches_report ON dispatches (report_id);
CREATE INDEX ix_dispatches_state ON dispatches (state, created_at, id, channel);
CREATE UNIQUE INDEX uq_dispatches_message_id ON dispatches (message_id) WHERE message_id <> '';
CREATE INDEX ix_batches_channel ON batches (channel, created_at);
CREATE INDEX ix_receipts_dispatch ON receipts (dispatch_id, at);
CREATE UNIQUE INDEX uq_receipts_digest ON receipts (dispatch_id, digest) WHERE digest <> '';
CREATE INDEX ix_journal_subject ON journal (subject, number);
CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE UNIQUE INDEX uq_batches_token ON batches (token) WHERE token <> '';
CREATE INDEX ix_batches_alive ON batches (state, id) WHERE state <> 'done';
CREATE INDEX ix_dispatches_leased ON dispatches (lease_owner, lease_until) WHERE state = 'sending';
CREATE INDEX ix_dispatches_queued ON dispatches (channel, lane, domain, address, created_at, id) WHERE state = 'queued';
CREATE INDEX ix_dispatches_suspects ON dispatches (channel, lane, created_at, id) WHERE state = 'queued' AND returns >= 2;
CREATE INDEX ix_dispatches_deferred ON dispatches (channel, due_at, id) WHERE state = 'deferred';
CREATE INDEX ix_files_urgent ON files (state, received_at, id) WHERE lane = 0;
CREATE INDEX ix_dispatches_escalate ON dispatches (escalate_at, id) WHERE escalate_at IS NOT NULL;
CREATE INDEX ix_batch_members_dispatch ON batch_members (dispatch_id);
CREATE INDEX ix_receipts_latest ON receipts (at, id) WHERE kind NOT IN ('smtp', 'sent-copy');
CREATE INDEX ix_receipts_mail ON receipts (digest) WHERE kind <> 'smtp';
CREATE INDEX ix_receipts_to_read ON receipts (at) WHERE to_read;
CREATE INDEX ix_dispatches_climb ON dispatches (climb_at, id) WHERE climb_at IS NOT NULL;
CREATE INDEX ix_dispatches_unread ON dispatches (state, sent_at, id) WHERE rung > 1;
CREATE INDEX ix_ladder_steps_digest ON ladder_steps (digest);
CREATE UNIQUE INDEX uq_digests_open ON digests (told) WHERE told = 0;
CREATE INDEX ix_print_runs_made ON print_runs (made_at);
CREATE INDEX ix_print_members_dispatch ON print_members (dispatch_id);
CREATE INDEX ix_answers_subject ON answers (subject);
CREATE INDEX ix_answers_source ON answers (source, event, subject);
CREATE INDEX ix_answers_due ON answers (source, number) WHERE state = 'due';
CREATE INDEX ix_answers_bundle ON answers (bundle) WHERE state = 'due' AND bundle <> '';
CREATE INDEX ix_answers_ended ON answers (state, number) WHERE state IN ('refused', 'void');
CREATE UNIQUE INDEX uq_answers_token ON answers (token) WHERE token <> '';
CREATE INDEX ix_console_sessions_account ON console_sessions (account);
CREATE INDEX ix_files_contents ON files (received_at, id) WHERE purged_at IS NULL;
CREATE INDEX ix_files_proofs ON files (received_at, id) WHERE purged_at IS NOT NULL;
CREATE INDEX ix_reports_patient ON reports (patient_hash) WHERE patient_hash <> '';
CREATE INDEX ix_files_arrived ON files (source, received_at) WHERE size >= 0;
CREATE INDEX ix_alarm_notes_way ON alarm_notes (way, number);
CREATE INDEX ix_bulk_sends_place ON bulk_sends (place, made_at);
CREATE INDEX ix_bulk_sends_made ON bulk_sends (made_at);
CREATE INDEX ix_bulk_items_file ON bulk_items (file_id);
COMMIT;
